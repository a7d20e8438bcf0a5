package txn

import (
	"context"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Refresh is a Key.Refresh on encoded values.
type Refresh struct {
	Key           string
	LastWriteWins bool   // the key is
	Merge         *Merge // of a key with MergeWith

	// Stale reports whether v has to be renewed.
	Stale func(v Value, format string) bool

	// Renew returns the value that replaces old. It runs without any lock.
	Renew func(ctx context.Context, old Value, format string) (Value, error)
}

// Refreshed is the result of a Refresh.
type Refreshed struct {
	Value  Value // that the request sees of the key
	Format string
	Merged bool // Value is the result of Merge
}

// refresh is a running Refresh of one transaction.
type refresh struct {
	*Refresh
	t     *Txn
	id    string           // of the session's record when known was read
	known *records.Content // the newest content that is known
	wait  waiting
}

// Refresh returns the value of the key, after Renew has replaced it if it is stale. Of all
// transactions of the session, the one with the lease of the key runs Renew. The others
// wait.
func (t *Txn) Refresh(ctx context.Context, how *Refresh) (Refreshed, error) {
	r := &refresh{Refresh: how, t: t}
	lease, err := r.acquire(ctx)
	r.endWait(ctx, err)
	switch {
	case err != nil:
		return Refreshed{}, err
	case lease == nil:
		return r.result(false), nil
	default:
		return lease.run(ctx)
	}
}

// acquire returns the lease of the key once it is free, or nil when the value is not stale.
func (r *refresh) acquire(ctx context.Context) (*lease, error) {
	for {
		r.follow()
		if v, format := r.t.peek(r.Key); !r.Stale(v, format) {
			return nil, nil
		}
		if err := r.permitted(ctx); err != nil {
			return nil, err
		}
		lease, wait, err := r.take(ctx)
		if wait != nil {
			r.beginWait()
			err = wait(ctx)
		}
		if lease != nil || err != nil {
			return lease, err
		}
	}
}

// beginWait notes when the first wait for a lease begins.
func (r *refresh) beginWait() {
	if r.wait.event.Op == "" {
		r.wait.event = r.t.e.Observer.Begin(observe.LeaseWait)
	}
}

// endWait reports the wait, if there was one, which err has ended.
func (r *refresh) endWait(ctx context.Context, err error) {
	r.wait.leave()
	event := r.wait.event
	event.PublicID, event.Key, event.Err = r.id, r.Key, err
	r.t.e.Observer.End(ctx, event)
}

// follow makes the content that the request sees the known one, at first and when the
// request itself has moved the session to another record.
func (r *refresh) follow() {
	t := r.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.known == nil || r.id != t.state.id {
		r.id, r.known = t.state.id, t.state.view.base
	}
}

// permitted returns an error if Renew must not run.
func (r *refresh) permitted(ctx context.Context) error {
	t := r.t
	t.mu.Lock()
	inside, stored := t.updating, t.state.id != ""
	t.mu.Unlock()
	switch {
	case inside:
		return fmt.Errorf("session: Refresh of key %q inside of Session.Update, whose function may run again: call Refresh before or after it", r.Key)
	case t.renews(ctx, r.Key):
		return fmt.Errorf("session: Refresh of key %q inside of its own function would wait for itself", r.Key)
	case !stored && t.req.HeaderSent():
		return fmt.Errorf("%w: the session is not stored yet, so Refresh of key %q could not keep the result", ErrHeaderSent, r.Key)
	}
	if _, err := t.previousResult(); err != nil {
		return t.refused(ctx, err)
	}
	return nil
}

// renewing is the context value of the function of a Refresh, which names the key.
type renewing struct {
	t   *Txn
	key string
}

// renews reports whether ctx is that of the function that renews key.
func (t *Txn) renews(ctx context.Context, key string) bool {
	return ctx.Value(renewing{t, key}) != nil
}

// await waits until the lease theirs may have ended, and reads the newest content.
func (r *refresh) await(ctx context.Context, theirs *envelope.Lease) error {
	if err := r.wait.wait(ctx, r.t.e, r.id, theirs); err != nil {
		return r.waited(err)
	}
	newest, err := r.t.newest(ctx, r.id)
	if err != nil {
		return err
	}
	r.learn(newest)
	return nil
}

// awaitRelease waits for another goroutine of the request.
func (r *refresh) awaitRelease(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return r.waited(context.Cause(ctx))
	}
}

// waited returns the error of a wait that cause has ended.
func (r *refresh) waited(cause error) error {
	return fmt.Errorf("%w: another request is renewing key %q: %w", records.ErrUnavailable, r.Key, cause)
}

// learn makes now the known content, and its value of the key that of the session.
func (r *refresh) learn(now *records.Content) {
	r.known = now
	r.t.adopt(r.id, r.Key, now)
}

// result returns the value that the request sees, and records the read.
func (r *refresh) result(merged bool) Refreshed {
	v, format := r.t.Get(r.Key, r.LastWriteWins)
	return Refreshed{Value: v, Format: format, Merged: merged}
}

// peek returns the value of key without recording the read: a stale value that was
// replaced in the meantime is none that the request depends on. It does record that the
// request has seen something of the session.
func (t *Txn) peek(key string) (Value, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	v, _ := st.view.value(key)
	st.reads.nonEmpty = st.reads.nonEmpty || v.Present || valueIn(st.view.base, key).Present
	return v, st.view.base.Format
}

// adopt makes the value of key in now that of the session of that ID. If others have
// changed nothing else, now becomes the base. Otherwise the request keeps its view of the
// other keys, and the version of its base: its own commit then meets the changes of the
// others as a conflict, and decides it by the isolation level.
func (t *Txn) adopt(id, key string, now *records.Content) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.id != id {
		return
	}
	base := t.state.view.base
	value := valueIn(now, key)
	entries := base.Entries.With([]envelope.Edit{{Name: key, Value: value.Data, Remove: !value.Present}})
	if entries.Equal(&now.Entries) {
		base = now
	} else {
		changed := *base
		changed.Entries = entries
		t.keepCopied(base, &changed)
		base = &changed
	}
	_ = t.rebaseLocked(base) // an error is kept for the commit of the request's changes
}
