package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// land saves v, the result of the function. What the function has done cannot be undone,
// so while the lease lasts, a save that fails is tried again.
func (l *lease) land(ctx context.Context, v Value) (merged bool, err error) {
	event := l.t.e.Observer.Begin(observe.Save)
	inDoubt := false
	for try := 0; ; try++ {
		merged, err = l.landOnce(ctx, v)
		inDoubt = inDoubt || errors.Is(err, records.ErrOutcomeUnknown)
		event.Attempts = try + 1
		if !errors.Is(err, records.ErrUnavailable) || ctx.Err() != nil || !time.Now().Before(l.end) {
			break
		}
		time.Sleep(records.Jitter(min(firstLook<<min(try, 8), lastLook)))
	}
	if inDoubt && errors.Is(err, records.ErrUnavailable) && !errors.Is(err, records.ErrOutcomeUnknown) {
		err = fmt.Errorf("%w: %w", records.ErrOutcomeUnknown, err) // an earlier attempt may have landed
	}
	event.PublicID, event.Err = l.t.PublicID(), err
	l.t.e.Observer.End(ctx, event)
	return merged, err
}

func (l *lease) landOnce(ctx context.Context, v Value) (merged bool, err error) {
	if err := l.t.lockCommit(ctx); err != nil {
		return false, err
	}
	defer l.t.unlockCommit()
	isStored := l.located()
	if !isStored {
		if l.stored.Key != "" {
			return false, fmt.Errorf("%w: the request has ended the session while it renewed key %q", records.ErrEnded, l.Key)
		}
		return false, l.create(ctx, v)
	}
	if err := l.t.e.Epochs.Current(ctx); err != nil {
		return false, err
	}
	a := l.t.e.Records.Access(ctx, nil)
	defer a.Leave()
	s := &landing{lease: l, value: v}
	saved, err := s.save(&a)
	if err != nil {
		return false, err
	}
	l.settle(s.done.result, saved)
	return s.done.merged, nil
}

// create stores a session that is not stored yet, with the result alone. A Destroy of the
// request comes first, because both change the cookie.
func (l *lease) create(ctx context.Context, v Value) error {
	t := l.t
	c := &commit{t: t, Access: t.e.Records.Access(ctx, nil), mode: Explicit}
	defer c.Leave()
	t.takeSnapshot(&c.d)
	if b := c.d.destroyed; b != nil {
		if err := c.destroy(b); err != nil {
			return err
		}
		t.takeSnapshot(&c.d)
	}
	d := &c.d
	set := change{verb: verbSet, key: l.Key, result: v, lastWriteWins: l.LastWriteWins}
	d.view = view{base: d.view.base}
	d.view.put(l.Key, ownValue{Value: v})
	d.requested, d.encoding = requested{}, nil
	d.changes, d.cleared = []change{set}, false
	d.epoch-- // the changes that are pending stay so
	if err := c.create(); err != nil {
		return err
	}
	l.follow()
	l.settle(v, l.known)
	return nil
}

// settle is called when v was saved as part of saved.
func (l *lease) settle(v Value, saved *records.Content) {
	t := l.t
	t.mu.Lock()
	st := &t.state
	set := change{verb: verbSet, key: l.Key, result: v, lastWriteWins: l.LastWriteWins}
	st.reads.settle(readWriteSet{changes: []change{set}}, saved)
	st.changes = slices.DeleteFunc(slices.Clone(st.changes), func(c change) bool { return c.refreshing && c.key == l.Key })
	if st.cleared { // the Clear is older, and is still to be committed
		st.changes = append(st.changes, set)
	}
	t.mu.Unlock()
	l.learn(saved)
}

// landing is the records.Change that saves the result and gives up the lease.
type landing struct {
	*lease
	value Value            // of the function
	done  attempt          // that has landed
	after *records.Content // what an earlier attempt has led to
}

// attempt is one save of the result.
type attempt struct {
	saved  *records.Content
	result Value // the function's, or what it was merged to
	merged bool
}

// errLanded tells save that an earlier attempt has landed.
var errLanded = errors.New("session: saved by an earlier attempt")

// save saves the result. If an earlier attempt had an unknown outcome, it reads the record
// first, which shows whether that attempt has landed.
func (s *landing) save(a *records.Access) (saved *records.Content, err error) {
	l := s.lease
	if len(l.tried) > 0 {
		if l.base, err = a.Fetch(l.id); err != nil {
			return nil, err
		}
		err = s.Check(l.base, true)
	}
	before := l.base
	if err == nil {
		saved, err = a.Change(l.id, before, s)
	}
	switch {
	case errors.Is(err, errLanded):
		return s.after, nil
	case err != nil:
		return nil, err
	}
	s.done = l.tried[len(l.tried)-1]
	l.t.noteSave(a, l.id, before, saved)
	return saved, nil
}

// landed returns errLanded if an earlier attempt has led to current.
func (s *landing) landed(current *records.Content) error {
	for _, try := range s.tried {
		switch current.Trace(try.saved.Version) {
		case envelope.Ancestor:
			s.done, s.after = try, current
			if current.Tombstone { // the session was renewed or destroyed afterwards
				s.after = try.saved
			}
			return errLanded
		case envelope.OutOfReach:
			return records.ErrOutcomeUnknown
		}
	}
	return nil
}

// Edit implements records.Change.
func (s *landing) Edit(current *records.Content) (*records.Content, error) {
	l := s.lease
	if err := s.mayReplace(current); err != nil {
		return nil, err
	}
	try, err := s.merge(current)
	if err != nil {
		return nil, err
	}
	v := try.result
	next := l.t.following(current)
	next.Fields = withoutLease(next.Fields, l.Key)
	next.EncodeAfter(current, &current.Entries, []envelope.Edit{{Name: l.Key, Value: v.Data, Text: v.Text, Remove: !v.Present}})
	if err := l.t.e.fits(next); err != nil {
		return nil, err
	}
	try.saved = next
	l.tried = append(l.tried, try)
	return next, nil
}

// Check implements records.Change.
func (s *landing) Check(current *records.Content, afterUnknown bool) error {
	if current == nil && afterUnknown {
		return records.ErrGoneUnknown
	}
	if current != nil {
		if err := s.landed(current); err != nil {
			return err
		}
	}
	if err := s.t.e.Lifetimes.Live(current); err != nil {
		return err
	}
	return s.mayReplace(current)
}

// mayReplace returns an error unless the result may replace the value in current: the
// lease must still be that of this request, and nobody else may have changed the key.
func (s *landing) mayReplace(current *records.Content) error {
	l := s.lease
	isStored := l.stored.Key != ""
	switch {
	case l.t.e.Lifetimes.Revoked(current):
		return records.ErrTombstone
	case isStored && !l.owned(current) && l.id != l.record:
		return records.ErrTombstone // the request itself has begun another session
	case isStored && !l.owned(current):
		return fmt.Errorf("%w: key %q was renewed in vain: %w; %s", ErrConflict, l.Key, ErrLeaseLost, slower)
	case l.LastWriteWins || s.unchanged(current) || s.merges(current):
		return nil
	default:
		return conflict(fmt.Sprintf("key %q was changed by another request while this one renewed it", l.Key), "undo what the function of Refresh has done")
	}
}

// ErrLeaseLost is in the error of a holder that comes back too late.
var ErrLeaseLost = errors.New("its lease has ended, and another request has taken it over")

// slower is the remedy for a function that took longer than its lease.
const slower = "the function of Refresh must return when its context ends"

// unchanged reports whether the key still has the value that the function got: the stored
// one, or one of this request's own changes that was saved since.
func (s *landing) unchanged(current *records.Content) bool {
	now := valueIn(current, s.Key)
	return now.Equal(s.found) || now.Equal(s.old)
}

// merges reports whether the key's three-way merge applies.
func (s *landing) merges(current *records.Content) bool {
	set := change{verb: verbSet, merge: s.Merge}
	return s.t.e.Isolation == LevelMerge && set.merges(current.Format, valueIn(current, s.Key))
}

// merge returns the attempt to save the result on top of current.
func (s *landing) merge(current *records.Content) (attempt, error) {
	if s.LastWriteWins || s.unchanged(current) || s.Merge == nil {
		return attempt{result: s.value}, nil
	}
	merged, err := s.Merge.Merge(s.old, s.value, valueIn(current, s.Key))
	return attempt{result: merged, merged: true}, err
}
