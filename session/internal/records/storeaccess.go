package records

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/queue"
)

// maxUnknownSaves is the maximum number of attempts of a save of unknown outcome.
const maxUnknownSaves = 4

// Access gives one commit access to its records. It bounds the time of the calls, counts
// the conflicts, and holds the commit's place in the queue. It is for one goroutine.
type Access struct {
	store     *Store
	caller    context.Context // context of the code that asked for the commit; its end does not stop the commit
	deadline  time.Time       // of all calls; zero until the next one
	ticket    *queue.Ticket
	conflicts int32
	queued    bool // the commit has been in the queue once
	reserve   bool // saves may use the provider's reserve
}

// Access returns an Access for a commit that caller asked for. It takes over the ticket,
// which may be nil.
func (s *Store) Access(caller context.Context, ticket *queue.Ticket) Access {
	return Access{store: s, caller: caller, ticket: ticket}
}

// Caller returns the context of the code that asked for the commit.
func (a *Access) Caller() context.Context { return a.caller }

// Context returns a context with the caller's values that does not end.
func (a *Access) Context() context.Context { return context.WithoutCancel(a.caller) }

// Conflicts returns how many conflicts the commit has met.
func (a *Access) Conflicts() int { return int(a.conflicts) }

// NoteConflict counts a conflict that was met without a save.
func (a *Access) NoteConflict() { a.conflicts++ }

// UseReserve lets saves from now on use the reserve that the provider keeps for known
// visitors.
func (a *Access) UseReserve() { a.reserve = true }

// Ticket returns the commit's place in the queue, or nil.
func (a *Access) Ticket() *queue.Ticket { return a.ticket }

// Leave gives up the place in the queue.
func (a *Access) Leave() {
	a.ticket.Leave()
	a.ticket = nil
}

// Restart gives the next call a new Timeout.
func (a *Access) Restart() { a.deadline = time.Time{} }

// now returns the time, and starts a Timeout if none is running.
func (a *Access) now() time.Time {
	now := time.Now()
	if a.deadline.IsZero() {
		a.deadline = now.Add(a.store.opts.Timeout)
	}
	return now
}

// exhausted reports whether the time of the calls is over.
func (a *Access) exhausted(now time.Time) bool { return !now.Before(a.deadline) }

// halfTimeout returns a context that ends after half of the remaining time, so that a
// read-back has the other half.
func (a *Access) halfTimeout(now time.Time) (context.Context, Call) {
	return a.store.context(a.caller, now.Add(a.deadline.Sub(now)/2), a.reserve)
}

// Fetch reads the content of a record; it is nil if there is no record. After a failure
// it tries again while there is time.
func (a *Access) Fetch(id string) (*Content, error) { return a.store.contents.Fetch(a, id) }

// Save stores c under id in place of the content of version expect. If the error is nil,
// c has either been saved or never will be.
func (a *Access) Save(id string, c *Content, expect int64) (Outcome[*Content], error) {
	return a.store.contents.Save(a, id, c, expect)
}

// SaveOnce is a Save with one attempt. Its error is the provider's.
func (a *Access) SaveOnce(id string, c *Content, expect int64) error {
	return a.store.contents.attempt(a, a.now(), id, c, c.Record(id), expect)
}

// Change saves the result of c for the content under id, and returns it. Base is the
// content as last known. See Kind.Change.
func (a *Access) Change(id string, base *Content, c Change[*Content]) (*Content, error) {
	return a.store.contents.Change(a, id, base, c)
}

// ChangeUnqueued is Change for a commit that is in the queue of another record.
func (a *Access) ChangeUnqueued(id string, base *Content, edit Edit[*Content]) (*Content, error) {
	return a.store.contents.ChangeUnqueued(a, id, base, edit)
}

// Delete deletes a record that nobody refers to; if that fails, the record stays until it
// expires.
func (a *Access) Delete(id string) error {
	ctx, cancel := context.WithTimeout(a.Context(), a.store.opts.Timeout/2)
	defer cancel()
	defer removeCopy(a.store.contents.Cache, id)
	return a.store.provider.Delete(ctx, id)
}

// queueUp is called after a conflict. The commit joins the queue of its record in this
// process. If it already holds a place, it backs off in favor of commits of other
// processes. Waited reports whether the last known content may be outdated.
func (a *Access) queueUp(id string, tries int) (waited bool, err error) {
	if a.exhausted(a.now()) {
		return false, errContention(tries)
	}
	a.conflicts++
	if a.ticket != nil || a.queued {
		a.backOff(a.Conflicts())
		return false, nil
	}
	a.queued = true
	ctx, cancel := context.WithTimeout(a.Context(), a.store.opts.Timeout)
	defer cancel()
	a.ticket, waited = queue.Join(ctx, id)
	a.Restart()
	return waited, nil
}

// backOffAfter is called after a conflict of a commit that does not join the queue.
func (a *Access) backOffAfter(_ string, tries int) (waited bool, err error) {
	if a.exhausted(a.now()) || !a.backOff(tries) {
		return false, errContention(tries)
	}
	return false, nil
}
