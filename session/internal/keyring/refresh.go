package keyring

import (
	"context"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// refresh reads the ring, changes it if that is due, and leaves the outcome as the view.
// The caller has the turn. The ring is everybody's: that the visitor on whose request this
// happens hangs up must not fail it.
func (r *Ring) refresh(ctx context.Context, create bool) *view {
	a := r.store.Access(ctx, nil)
	old, began := r.view.Load(), time.Now()
	snap, err := r.fetch(&a)
	if err == nil {
		snap, err = r.restore(&a, old, snap)
	}
	if err == nil {
		snap, err = r.advance(&a, snap, create)
	}
	if err == nil {
		snap, err = r.restore(&a, old, snap) // what was lost meanwhile
	}
	r.report(ctx, old, snap, err)
	v := outcome(old, snap, err, began)
	r.view.Store(v)
	return v
}

// outcome is the view after old. A failure leaves the snapshot as it was; with none to go
// on with, the next try is the sooner the shorter the failure has lasted.
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
		return &view{snap: snap, read: began, tried: now, due: began.Add(MaxAge)}
	}
}

func (r *Ring) report(ctx context.Context, old *view, snap *Snapshot, err error) {
	switch {
	case err != nil:
		r.log(ctx, slog.LevelError, "signing keys could not be read or made", slog.Any("error", err))
	case snap == nil && old.snap != nil:
		r.log(ctx, slog.LevelError, "signing keys are gone from the store, and those in memory are too old to put back: their cookies are void")
	}
}

func (r *Ring) log(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	r.opts.Logger.LogAttrs(ctx, level, "keyring: "+msg, attrs...)
}

// fetch returns the ring in the store, nil if there is none. One that is known keeps its
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

// advance makes the ring, or changes the one that the store holds, if that is due, and
// returns what the store holds then. A change that fails can wait: the ring goes on as it
// was read.
func (r *Ring) advance(a *records.Access, snap *Snapshot, create bool) (*Snapshot, error) {
	ctx := a.Caller()
	changed, err := r.change(a, snap, func(stored *Snapshot) []Key {
		now := time.Now()
		switch {
		case stored != nil:
			return r.due(ctx, stored.Keys, now)
		case create:
			return []Key{newKey(now)}
		}
		return nil
	})
	if err != nil && snap != nil {
		r.log(ctx, slog.LevelError, "signing keys could not be rotated", slog.Any("error", err))
		return snap, nil
	}
	return changed, err
}

// due returns the keys that the ring should have, nil if it has them.
func (r *Ring) due(ctx context.Context, keys []Key, now time.Time) []Key {
	if ahead(keys, now) {
		r.log(ctx, slog.LevelWarn, "signing keys are dated ahead: is the clock wrong, or was another instance's?",
			slog.Duration("by", keys[0].From.Sub(now)))
		return nil
	}
	kept := r.opts.prune(keys, now)
	switch {
	case r.opts.due(keys, now) && len(kept) < MaxKeys:
		return append([]Key{newKey(now.Add(Lead))}, kept...)
	case r.opts.due(keys, now):
		r.log(ctx, slog.LevelWarn, "signing keys are rotated too often for how long cookies live: no more fit")
	case len(kept) < len(keys):
		return kept
	}
	return nil
}

// change saves the keys that edit makes of the stored ring, by compare-and-swap, and
// returns what the store is then known to hold: these keys, or a ring that needs no
// change, nil if there is none. Edit returns nil where nothing is to be changed.
func (r *Ring) change(a *records.Access, snap *Snapshot, edit func(stored *Snapshot) []Key) (*Snapshot, error) {
	stored := snap
	saved, err := r.rings.ChangeUnqueued(a, r.opts.ID, snap, func(current *Snapshot) (*Snapshot, error) {
		stored = current
		keys := edit(current)
		if keys == nil {
			return nil, nil
		}
		next := &Snapshot{Keys: keys, version: envelope.NextVersion(current.VersionNumber())}
		_, err := decode(encode(keys)) // a ring that could not be read must not be stored
		return next, err
	})
	if err != nil || saved != nil {
		return saved, err
	}
	return stored, nil
}
