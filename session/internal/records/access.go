package records

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/queue"
)

// maxUnknownSaves is how often a save of unknown outcome is sent before giving up.
const maxUnknownSaves = 4

// Access is how one commit reaches its records. It bounds the time of the calls, counts
// the conflicts, and holds the commit's place in the queue. It is for one goroutine.
type Access struct {
	store     *Store
	caller    context.Context // of the code that asked for the commit; its end does not stop that
	deadline  time.Time       // of all calls; zero until the next one
	ticket    *queue.Ticket
	queued    bool // it has queued up once
	conflicts int
	reserve   bool // what is saved may use the provider's reserve
}

// Access returns the way to the records for a commit that caller asked for. It takes
// over the ticket, which may be nil.
func (s *Store) Access(caller context.Context, ticket *queue.Ticket) Access {
	return Access{store: s, caller: caller, ticket: ticket}
}

// Caller returns the context of the code that asked for the commit.
func (a *Access) Caller() context.Context { return a.caller }

// Context returns a context with the caller's values that does not end.
func (a *Access) Context() context.Context { return context.WithoutCancel(a.caller) }

// Conflicts returns how many conflicts the commit has met.
func (a *Access) Conflicts() int { return a.conflicts }

// UseReserve lets what is saved from now on use the room that the provider keeps in
// reserve for visitors whom it knows.
func (a *Access) UseReserve() { a.reserve = true }

// Ticket returns the commit's place in the queue, nil if it has none.
func (a *Access) Ticket() *queue.Ticket { return a.ticket }

// Leave gives up the place in the queue.
func (a *Access) Leave() {
	a.ticket.Leave()
	a.ticket = nil
}

// Restart lets a new Timeout begin with the next call.
func (a *Access) Restart() { a.deadline = time.Time{} }

// now returns the time, and begins a Timeout if none runs.
func (a *Access) now() time.Time {
	now := time.Now()
	if a.deadline.IsZero() {
		a.deadline = now.Add(a.store.opts.Timeout)
	}
	return now
}

// exhausted reports whether the time of the calls is over.
func (a *Access) exhausted(now time.Time) bool { return !now.Before(a.deadline) }

// halfTimeout returns a context that ends when half the time that is left is over, so
// that a read-back has the other half.
func (a *Access) halfTimeout(now time.Time) (context.Context, Call) {
	return a.store.context(a.caller, now.Add(a.deadline.Sub(now)/2), a.reserve)
}

// Fetch reads the content of a record, nil if there is none; again after a failure while
// there is time.
func (a *Access) Fetch(id string) (*Content, error) { return a.store.contents.Fetch(a, id) }

// Save stores c under id in place of the content of version expect. Without an error c
// has either landed or never will.
func (a *Access) Save(id string, c *Content, expect int64) (Outcome[*Content], error) {
	return a.store.contents.Save(a, id, c, expect)
}

// SaveOnce is a Save that is sent once. Its error is the provider's.
func (a *Access) SaveOnce(id string, c *Content, expect int64) error {
	return a.saveOnce(a.now(), c.Record(id), expect)
}

// Change saves what c makes of the content under id, which is base as far as is known, and
// returns it: see Kind.Change.
func (a *Access) Change(id string, base *Content, c Change[*Content]) (*Content, error) {
	return a.store.contents.Change(a, id, base, c)
}

// ChangeUnqueued is Change by a commit that holds the place in the queue of another record.
func (a *Access) ChangeUnqueued(id string, base *Content, edit Edit[*Content]) (*Content, error) {
	return a.store.contents.ChangeUnqueued(a, id, base, edit)
}

// Delete deletes a record that nobody knows of; one that stays expires.
func (a *Access) Delete(id string) error {
	ctx, cancel := context.WithTimeout(a.Context(), a.store.opts.Timeout/2)
	defer cancel()
	return a.store.provider.Delete(ctx, id)
}

// queueUp is called after a conflict: the commit queues up behind the others of its record
// in this process or, if it is being served already, makes way for those of other
// processes. It reports whether what was read before may be outdated.
func (a *Access) queueUp(id string, tries int) (waited bool, err error) {
	if a.exhausted(a.now()) {
		return false, errContention(tries)
	}
	a.conflicts++
	if a.ticket != nil || a.queued {
		a.backOff(a.conflicts)
		return false, nil
	}
	a.queued = true
	ctx, cancel := context.WithTimeout(a.Context(), a.store.opts.Timeout)
	defer cancel()
	a.ticket, waited = queue.Join(ctx, id)
	a.Restart()
	return waited, nil
}

// backOffAfter is called after a conflict of a commit that does not queue up.
func (a *Access) backOffAfter(_ string, tries int) (waited bool, err error) {
	if a.exhausted(a.now()) || !a.backOff(tries) {
		return false, errContention(tries)
	}
	return false, nil
}

// backOff makes way for others after a conflict. At first it does not: each conflict
// means that another one is done, and on Linux to sleep for microseconds takes a
// millisecond if the processor has nothing else to do. It reports whether there is time
// for another try.
func (a *Access) backOff(try int) bool {
	return try <= immediateRetries || a.pause(afterConflict, try)
}

// immediateRetries is how many conflicts are met without a pause.
const immediateRetries = 8

// What a pause begins with and ends at. A conflict means that another commit was first,
// so that no time is lost; a failure, that the store is in trouble.
const (
	afterConflict = 10 * time.Microsecond
	afterFailure  = time.Millisecond
	maxPause      = 50 * time.Millisecond
)

// pause waits a random while that doubles with every try. It reports whether there is
// time for another one.
func (a *Access) pause(first time.Duration, try int) bool {
	time.Sleep(jitter(min(first<<min(try, 16), maxPause)))
	return !a.exhausted(a.now())
}

// jitter returns a random duration below limit. It is drawn from crypto/rand so that a
// test that fixes that fixes everything.
func jitter(limit time.Duration) time.Duration {
	var b [2]byte
	_, _ = rand.Read(b[:])
	return limit * time.Duration(binary.BigEndian.Uint16(b[:])) >> 16
}

// errContention returns the error of a commit that has competed in vain.
func errContention(tries int) error {
	return fmt.Errorf("%w: parallel requests were first %d times", ErrUnavailable, tries)
}

// HungUp returns an error if a caller does not wait for the answer any more.
func HungUp(callers ...context.Context) error {
	for _, ctx := range callers {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: the cookie could not be sent: %w", ErrUnavailable, context.Cause(ctx))
		}
	}
	return nil
}

// unreadable reports whether reading the same record again cannot help.
func unreadable(err error) bool { return errors.Is(err, ErrUnreadable) }
