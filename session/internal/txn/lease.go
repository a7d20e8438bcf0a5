package txn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// The duration of leases.
const (
	// defaultLease is how long the function of a Refresh may take if its context has no
	// deadline.
	defaultLease = 30 * time.Second

	// maxLease is how long it may take at most. It bounds how long a crashed holder keeps
	// others waiting.
	maxLease = 5 * time.Minute

	// clockMargin is the time between the end of the function's context and the end of the
	// lease. If the clocks of two instances differ by less, no other instance takes the lease
	// over before the function was told to end.
	clockMargin = 5 * time.Second
)

// lease is the right of one refresh to renew the value of its key.
type lease struct {
	*refresh
	name   any              // among the holders of this process
	stored envelope.Lease   // in the record; zero if the session is not stored
	seen   bool             // others may have seen it in the record
	record string           // the ID of the record that it was taken in
	base   *records.Content // the newest content with the lease
	end    time.Time        // of the context of the function
	found  Value            // the stored value when it was taken
	old    Value            // that the function got: found, or what the request has changed it to
	tried  []attempt        // to save the result
}

// take tries to take the lease of the key. If another has it, take returns a function
// that waits until the key has to be looked at again. It returns neither if that is now.
func (r *refresh) take(ctx context.Context) (*lease, func(context.Context) error, error) {
	if ctx.Err() != nil {
		return nil, nil, fmt.Errorf("%w: key %q is stale: %w", records.ErrUnavailable, r.Key, context.Cause(ctx))
	}
	if err := r.t.lockCommit(ctx); err != nil {
		return nil, nil, err
	}
	defer r.t.unlockCommit()
	if r.t.PublicID() != r.id { // the request itself has stored, renewed or destroyed it
		return nil, nil, nil
	}
	if r.id == "" {
		return r.takeUnstored(ctx)
	}
	other, expired := r.known.Fields.Leases().Find(r.Key)
	if expired && r.wait.left(&other) > 0 {
		return nil, func(ctx context.Context) error { return r.await(ctx, &other) }, nil
	}
	if err := r.notRevoked(ctx); err != nil {
		return nil, nil, err
	}
	l := r.lease(ctx)
	l.hold()
	landed, err := l.save(ctx)
	if !landed {
		l.release()
		return nil, nil, err
	}
	if err := l.notRevoked(ctx); err != nil { // while the lease was saved
		l.giveUp(ctx)
		l.release()
		return nil, nil, err
	}
	if expired {
		l.reportExpired(ctx)
	}
	l.mark()
	return l, nil, nil
}

// notRevoked returns ErrTombstone if the known content is that of a session that
// RevokeEverything has ended. The function of a Refresh has effects elsewhere, which must
// not be those of an ended session.
func (r *refresh) notRevoked(ctx context.Context) error {
	if err := r.t.e.Epochs.Current(ctx); err != nil {
		return err
	}
	if r.t.e.Lifetimes.Revoked(r.known) {
		return records.ErrTombstone
	}
	return nil
}

// takeUnstored takes the lease among the goroutines of the request: no other request has
// a session that is not stored.
func (r *refresh) takeUnstored(ctx context.Context) (*lease, func(context.Context) error, error) {
	l := r.lease(ctx)
	l.name, l.stored = renewing{r.t, r.Key}, envelope.Lease{}
	if !l.hold() {
		done := r.t.e.leases().released(l.name)
		return nil, func(ctx context.Context) error { return r.awaitRelease(ctx, done) }, nil
	}
	l.mark()
	return l, nil, nil
}

// lease returns a lease that is not stored yet.
func (r *refresh) lease(ctx context.Context) *lease {
	now, lasts := time.Now(), defaultLease
	if deadline, ok := ctx.Deadline(); ok {
		lasts = min(deadline.Sub(now), maxLease)
	}
	l := &lease{refresh: r, record: r.id, base: r.known, end: now.Add(lasts)}
	lasts = (lasts + clockMargin).Round(time.Millisecond)
	l.stored = envelope.Lease{Key: r.Key, Until: time.UnixMilli(now.Add(lasts).UnixMilli()), Lasts: lasts}
	_, _ = rand.Read(l.stored.Holder[:]) // never fails: it aborts the program instead
	l.name = l.stored.Holder
	return l
}

// save stores the lease. After a conflict it returns false, and the conflicting content is
// the known one.
func (l *lease) save(ctx context.Context) (landed bool, err error) {
	t := l.t
	a := t.e.Records.Access(ctx, nil)
	next := t.following(l.known)
	next.Fields = next.Fields.WithLeases(next.Fields.Leases().With(l.stored))
	next.EncodeAfter(l.known, &l.known.Entries, nil)
	out, err := a.Save(l.id, next, l.known.Version)
	switch {
	case errors.Is(err, records.ErrOutcomeUnknown):
		l.seen, l.base = true, nil
		l.giveUp(ctx) // the lease may be stored
		return false, err
	case err != nil:
		return false, err
	case !out.Landed:
		return false, l.outrun(out)
	}
	t.noteSave(&a, l.id, l.known, next)
	l.seen, l.base = true, next
	l.learn(next)
	return true, nil
}

// hold records that this process holds the lease. It returns false if it already does.
func (l *lease) hold() bool { return l.t.e.leases().hold(l.name) }

// release wakes those who wait for the lease, which is in the record no more.
func (l *lease) release() {
	e := l.t.e
	e.leases().release(l.name)
	if l.seen && e.Releases != nil {
		e.Releases.Released(l.stored.Holder)
	}
}

// reportExpired reports that the lease was taken over from a holder that did not give it up
// in time.
func (l *lease) reportExpired(ctx context.Context) {
	event := l.t.e.Observer.Begin(observe.LeaseExpired)
	event.PublicID, event.Key = l.id, l.Key
	l.t.e.Observer.End(ctx, event)
}

// withoutLease returns f without the lease of that key.
func withoutLease(f envelope.Fields, key string) envelope.Fields {
	return f.WithLeases(f.Leases().Without(key))
}

// outrun makes the content that another commit has saved the known one.
func (r *refresh) outrun(out records.Outcome[*records.Content]) error {
	if out.Current == nil && out.AfterUnknown {
		return records.ErrGoneUnknown
	}
	if err := r.t.e.Lifetimes.Live(out.Current); err != nil {
		return err
	}
	r.learn(out.Current)
	return nil
}

// following returns the content after current, as of now. The caller has to encode it.
func (t *Txn) following(current *records.Content) *records.Content {
	limits := &t.e.Lifetimes
	if t.req.Passive() {
		return limits.FollowUnused(current)
	}
	next := records.Follow(current)
	next.Expires = limits.Expiry(next, next.Seen, current.Expires)
	return next
}

// noteSave is called when next was saved over before for a Refresh.
func (t *Txn) noteSave(a *records.Access, id string, before, next *records.Content) {
	t.mu.Lock()
	t.touched = true
	t.commits++ // the handler must not run again
	t.mu.Unlock()
	t.e.Owners.ReenterIfDue(a, id, before, next)
}

// mark marks the pending changes of the key, whose result the function gets as the old
// value. The function's result may depend on all that the request has read.
func (l *lease) mark() {
	t := l.t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.reads.promote()
	t.state.markRefreshing(l.Key, true)
	l.found = valueIn(t.state.view.base, l.Key)
}

// unmark undoes mark.
func (t *Txn) unmark(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.markRefreshing(key, false)
}

// markRefreshing marks the pending changes of key. It changes a copy, because savepoints
// share the changes.
func (st *state) markRefreshing(key string, on bool) {
	if !slices.ContainsFunc(st.changes, func(c change) bool { return c.key == key }) {
		return
	}
	st.changes = slices.Clone(st.changes)
	for i := range st.changes {
		if c := &st.changes[i]; c.key == key {
			c.refreshing = on
		}
	}
}
