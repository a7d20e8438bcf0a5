package txn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// run runs the function and saves its result. If the function fails or panics, the lease
// is given up at once.
func (l *lease) run(ctx context.Context) (Refreshed, error) {
	defer release(l.name) // after the save, which those who are woken look for
	landed := false
	defer func() {
		if !landed {
			l.abandon(ctx)
		}
	}()
	var format string
	l.old, format = l.t.peek(l.Key)
	v, err := l.renew(ctx, format)
	if err != nil {
		return Refreshed{}, err
	}
	merged, err := l.land(ctx, v)
	if err != nil {
		return Refreshed{}, err
	}
	landed = true
	return l.result(merged), nil
}

// renew runs the function, whose context ends before the lease.
func (l *lease) renew(ctx context.Context, format string) (Value, error) {
	ctx = context.WithValue(ctx, renewing{l.t, l.Key}, true)
	over := fmt.Errorf("session: the time to renew key %q is over: %w", l.Key, context.DeadlineExceeded)
	ctx, cancel := context.WithDeadlineCause(ctx, l.end, over)
	defer cancel()
	return l.Renew(ctx, l.old, format)
}

// abandon gives up the lease of a function that has failed, or whose result was not saved.
func (l *lease) abandon(ctx context.Context) {
	l.t.unmark(l.Key)
	if l.stored.Key == "" || l.t.lockCommit(ctx) != nil {
		return
	}
	defer l.t.unlockCommit()
	l.giveUp(ctx)
}

// giveUp removes the lease from the record, if it is still there.
func (l *lease) giveUp(ctx context.Context) {
	if !l.located() {
		return
	}
	a := l.t.e.Records.Access(ctx, nil)
	defer a.Leave()
	err := l.drop(&a)
	if err != nil && !errors.Is(err, records.ErrEnded) {
		l.t.e.Logger.Warn("session: a lease could not be given up; other requests wait until it ends",
			slog.String("public_id", l.id), slog.String("key", l.Key), slog.Any("error", err))
	}
}

func (l *lease) drop(a *records.Access) (err error) {
	if l.base == nil {
		if l.base, err = a.Fetch(l.id); err != nil {
			return err
		}
	}
	if err := l.t.e.Lifetimes.Live(l.base); err != nil {
		return err
	}
	saved, err := a.Change(l.id, l.base, (*dropping)(l))
	if err == nil && saved != nil {
		l.learn(saved)
	}
	return err
}

// located finds the record that has the lease: the request itself may have renewed the
// session since. It returns false if the session has ended.
func (l *lease) located() bool {
	before := l.id
	l.follow()
	if l.id != before {
		l.base = l.known
	}
	return l.id != ""
}

// owned reports whether the lease in current is l.
func (l *lease) owned(current *records.Content) bool {
	stored, ok := current.Fields.Leases().Find(l.Key)
	return ok && stored.Holder == l.stored.Holder
}

// dropping is the records.Change that gives up a lease.
type dropping lease

// Edit implements records.Change.
func (d *dropping) Edit(current *records.Content) (*records.Content, error) {
	l := (*lease)(d)
	if !l.owned(current) {
		return nil, nil
	}
	next := l.t.following(current)
	next.Fields = withoutLease(next.Fields, l.Key)
	next.EncodeAfter(current, &current.Entries, nil)
	return next, nil
}

// Check implements records.Change.
func (d *dropping) Check(current *records.Content, _ bool) error {
	return d.t.e.Lifetimes.Live(current)
}
