package keyring

import (
	"context"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// refresh reads the ring, changes it if that is due, and stores the result as the view.
// The caller must have acquired the right to refresh. All visitors share the ring, so the
// refresh goes on if the visitor whose request causes it disconnects.
func (r *Ring) refresh(ctx context.Context, create bool) *view {
	v, _ := r.refreshBy(ctx, func(a *records.Access, snap *Snapshot) (*Snapshot, error) {
		return r.advance(a, snap, create)
	})
	return v
}

// refreshBy is refresh with another change of the ring. The error is that of reading or
// changing it.
func (r *Ring) refreshBy(ctx context.Context, change func(*records.Access, *Snapshot) (*Snapshot, error)) (*view, error) {
	a := r.store.Access(ctx, nil)
	old, began := r.view.Load(), time.Now()
	snap, err := r.fetch(&a)
	if err == nil {
		snap, err = r.restore(&a, old, snap)
	}
	if err == nil {
		snap, err = change(&a, snap)
	}
	if err == nil {
		snap, err = r.restore(&a, old, snap) // what was lost meanwhile
	}
	r.report(ctx, old, snap, err)
	v := outcome(old, snap, err, began)
	r.view.Store(v)
	return v, err
}

// outcome returns the view that follows old. A failure keeps the snapshot. Without a
// snapshot, the pause before the next try grows with the time that the failure has
// lasted. After a success the pause is random, so that instances that were started at the
// same moment do not read the ring at the same moments.
func outcome(old *view, snap *Snapshot, err error, began time.Time) *view {
	now := time.Now()
	switch {
	case err != nil && old.snap == nil:
		since := began
		if old.err != nil {
			since = old.since
		}
		pause := min(max(now.Sub(since), firstBackoff), Backoff)
		return &view{err: err, since: since, tried: now, due: now.Add(pause)}
	case err != nil:
		return &view{snap: old.snap, read: old.read, tried: now, due: now.Add(Backoff)}
	case snap == nil:
		return &view{read: began, tried: now, due: now.Add(Backoff)}
	default:
		return &view{snap: snap, read: began, tried: now, due: began.Add(MaxAge - records.Jitter(maxEarly))}
	}
}

func (r *Ring) report(ctx context.Context, old *view, snap *Snapshot, err error) {
	switch {
	case err != nil:
		r.fault(ctx, observe.Event{Fault: observe.KeysFailed, Err: err}, slog.LevelError, "signing keys could not be read or made", slog.Any("error", err))
	case snap == nil && old.snap != nil:
		r.fault(ctx, observe.Event{Fault: observe.KeysLost}, slog.LevelError, "signing keys are gone from the store, and those in memory are too old to restore: their cookies are invalid")
	}
}

func (r *Ring) log(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	r.opts.Logger.LogAttrs(ctx, level, "keyring: "+msg, attrs...)
}

// fault logs a fault and reports it to the Observer.
func (r *Ring) fault(ctx context.Context, e observe.Event, level slog.Level, msg string, attrs ...slog.Attr) {
	r.log(ctx, level, msg, attrs...)
	e.Op = observe.Faulty
	r.opts.Observer.Report(ctx, e)
}

// fetch returns the ring in the store; it is nil if there is none. A known ring keeps its
// pointer.
func (r *Ring) fetch(a *records.Access) (*Snapshot, error) {
	found, err := r.rings.FetchNow(a, r.opts.ID)
	if err != nil {
		return nil, err
	}
	if old := r.view.Load().snap; old != nil && found != nil && old.version == found.version {
		return old, nil
	}
	return found, nil
}

// change saves the result of edit for the stored keys, by compare-and-swap. It returns
// the ring that is then known to be stored: one with these keys, or one that needs no
// change, or nil if there is none. Edit returns nil if nothing has to be changed.
func (r *Ring) change(a *records.Access, snap *Snapshot, edit func(stored *Snapshot) []Key) (*Snapshot, error) {
	stored := snap
	saved, err := r.rings.ChangeUnqueued(a, r.opts.ID, snap, func(current *Snapshot) (*Snapshot, error) {
		stored = current
		keys := edit(current)
		if keys == nil {
			return nil, nil
		}
		keys, err := decode(encode(keys)) // as they are stored; a ring that cannot be read is not
		next := &Snapshot{Keys: keys, version: envelope.NextVersion(current.VersionNumber())}
		return next, err
	})
	if err != nil || saved != nil {
		return saved, err
	}
	return stored, nil
}
