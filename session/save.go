package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/internal/known"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/lane"
)

// maxDoubts is how often a save that failed is sent before giving up.
const maxDoubts = 4

// storage is one commit's access to the store: it bounds the commit's I/O and
// clears up what a failed save leaves in doubt.
type storage struct {
	m     *Manager
	asks  context.Context // of whoever asked for the commit; its end does not stop that
	until time.Time
	turn  *lane.Turn
	lined bool // has queued up once
	tries int  // conflicts met
	known bool // what is saved is of a session that was there, or has an owner

	entered []string // IDs of the sessions that were entered in an owner index
}

func (m *Manager) storage(ctx context.Context, turn *lane.Turn) storage {
	return storage{m: m, asks: ctx, turn: turn}
}

// ctx returns a context that does not end.
func (st *storage) ctx() context.Context { return context.WithoutCancel(st.asks) }

// restart lets a new StoreTimeout begin with the next call.
func (st *storage) restart() { st.until = time.Time{} }

// now returns the time, and begins a StoreTimeout if none runs.
func (st *storage) now() time.Time {
	now := time.Now()
	if st.until.IsZero() {
		st.until = now.Add(st.m.cfg.StoreTimeout)
	}
	return now
}

// outcome is what became of a save.
type outcome struct {
	landed  bool
	current *content // if not: what stands in the way; nil is nothing at all
	doubted bool     // the save failed before, and reading back told the rest
}

// save stores c under id in place of the content of version expect, and clears
// up every doubt. Without an error c has either landed or never will.
func (st *storage) save(id string, c *content, expect int64) (outcome, error) {
	rec, err := st.m.record(id, c)
	if err != nil {
		return outcome{}, err
	}
	st.known = st.known || c.Owner != ""
	for doubts, try := 0, 1; ; try++ {
		now := st.now()
		if st.exhausted(now) {
			return outcome{}, unsettled(doubts, context.DeadlineExceeded)
		}
		err := st.saveOnce(now, rec, expect)
		switch {
		case err == nil:
			return outcome{landed: true}, nil
		case doubts == 0 && refused(err):
			return outcome{}, unavailable(err)
		case doubts == 0 && errors.Is(err, provider.ErrNotSaved): // there is nothing to read back
			if try >= maxDoubts || !st.pause(afterFailure, try) {
				return outcome{}, unavailable(err)
			}
			continue
		case !errors.Is(err, provider.ErrVersionConflict):
			doubts++
		}
		current, readErr := st.standing(id, err)
		if readErr != nil {
			return outcome{}, unsettled(doubts, fmt.Errorf("%w; reading back: %w", err, readErr))
		}
		if out, sure := judge(c, expect, current, doubts > 0); sure {
			return out, nil
		}
		// The record is as it was before, so the save may still arrive: the
		// same once more cannot land twice. Or it is past telling.
		if current.version != expect || doubts == 0 || doubts >= maxDoubts || !st.pause(afterFailure, doubts) {
			return outcome{}, unsettled(doubts, err)
		}
	}
}

// judge says what became of a save of c over the version expect, given what
// stands there now, and whether that is sure.
func judge(c *content, expect int64, current *content, doubted bool) (out outcome, sure bool) {
	if current == nil {
		return outcome{doubted: doubted}, true
	}
	lineage := current.History.Trace(current.version, c.version)
	switch {
	case lineage == envelope.Ancestor:
		return outcome{landed: true}, true
	case lineage == envelope.OutOfReach && doubted:
		return outcome{}, false
	default: // its place is taken for good, unless by what it is to replace
		return outcome{current: current, doubted: doubted}, current.version != expect
	}
}

// refused reports whether err says that nothing was saved, and that the same save at
// once would fail again. One that had no time left to be sent is not worth the rest
// of the time either.
func refused(err error) bool {
	for _, reason := range []error{provider.ErrTooLarge, provider.ErrFull, provider.ErrInvalidRecord, provider.ErrRefused} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return errors.Is(err, provider.ErrNotSaved) && errors.Is(err, context.DeadlineExceeded)
}

func unsettled(doubts int, err error) error {
	if doubts > 0 {
		return outcomeUnknown(err)
	}
	return unavailable(err)
}

// standing returns what a save has met: what the conflict brought along, or
// else what is read back.
func (st *storage) standing(id string, err error) (*content, error) {
	var conflict *provider.ConflictError
	if errors.As(err, &conflict) {
		if conflict.Current == nil {
			return nil, nil
		}
		return st.m.decode(id, conflict.Current)
	}
	return st.fetch(id)
}

// saveOnce gives one save half the time that is left, so that a read-back has
// the other half.
func (st *storage) saveOnce(now time.Time, rec *provider.Record, expect int64) error {
	ctx, call := st.halfway(now)
	defer call.end(context.Canceled)
	switch {
	case !st.known:
	case call != nil:
		call.known = true
	default:
		ctx = known.Background
	}
	return st.m.store.Save(ctx, rec, expect)
}

// halfway returns a context that ends when half the time that is left is over.
func (st *storage) halfway(now time.Time) (context.Context, *callContext) {
	return st.m.until(st.asks, now.Add(st.until.Sub(now)/2))
}

// fetch reads a record, again after a failure while there is time.
func (st *storage) fetch(id string) (*content, error) {
	for try := 1; ; try++ {
		ctx, call := st.halfway(st.now())
		found, err := st.m.fetch(ctx, id)
		call.end(context.Canceled)
		if err == nil || errors.Is(err, ErrUnreadable) || try >= maxDoubts || !st.pause(afterFailure, try) {
			return found, err
		}
	}
}

// remove deletes a record that nobody knows of; one that stays expires.
func (st *storage) remove(id string) error {
	ctx, cancel := context.WithTimeout(st.ctx(), st.m.cfg.StoreTimeout/2)
	defer cancel()
	return st.m.store.Delete(ctx, id)
}

// yield is called after a conflict: the commit queues up behind the others of
// its record in this process or, in its turn already, makes way for those of
// other processes. It reports whether what was read before may be outdated.
func (st *storage) yield(id string) (waited bool) {
	st.tries++
	if st.turn != nil || st.lined {
		st.backOff(st.tries)
		return false
	}
	st.lined = true
	ctx, cancel := context.WithTimeout(st.ctx(), st.m.cfg.StoreTimeout)
	defer cancel()
	st.turn, waited = lane.Enter(ctx, id)
	st.restart()
	return waited
}

// backOff makes way for others after a conflict. At first it does not: each conflict
// means that another one is done, and on Linux to sleep for microseconds takes a
// millisecond if the processor has nothing else to do. It reports whether there is time
// for another try.
func (st *storage) backOff(try int) bool {
	return try <= rushes || st.pause(afterConflict, try)
}

// rushes is how many conflicts are met without a sleep.
const rushes = 8

// What a pause begins with and ends at. A conflict means that someone else was
// first, so that no time is lost; a failure, that the store is in trouble.
const (
	afterConflict = 10 * time.Microsecond
	afterFailure  = time.Millisecond
	maxPause      = 50 * time.Millisecond
)

// pause waits a random while that doubles with every try. It reports whether
// there is time for another one.
func (st *storage) pause(first time.Duration, try int) bool {
	time.Sleep(jitter(min(first<<min(try, 16), maxPause)))
	return !st.exhausted(st.now())
}

// jitter returns a random duration below limit. It is drawn from crypto/rand so
// that a test that fixes that fixes everything.
func jitter(limit time.Duration) time.Duration {
	var b [2]byte
	_, _ = rand.Read(b[:])
	return limit * time.Duration(binary.BigEndian.Uint16(b[:])) >> 16
}

// outrun is the error of a commit that has competed in vain.
func (st *storage) outrun() error {
	return fmt.Errorf("%w: parallel requests were first %d times", ErrUnavailable, st.tries)
}

// exhausted reports that the commit has competed in vain for all its time.
func (st *storage) exhausted(now time.Time) bool { return !now.Before(st.until) }
