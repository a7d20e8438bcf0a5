package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// saveAttempts is how often one change is sent: again only if the store is seen
// to hold still what the change was made on.
const saveAttempts = 2

// refresh reads the ring, changes it if that is due, and leaves the outcome as
// the view. The caller has the turn. The ring is everybody's: that the visitor
// on whose request this happens hangs up must not fail it.
func (r *Ring) refresh(ctx context.Context, create bool) *view {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.opts.Timeout)
	defer cancel()
	old, began := r.view.Load(), time.Now()
	snap, err := r.fetch(ctx)
	if err == nil {
		snap, err = r.restore(ctx, old, snap)
	}
	if err == nil {
		snap, err = r.advance(ctx, snap, create)
	}
	if err == nil {
		snap, err = r.restore(ctx, old, snap) // what was lost meanwhile
	}
	r.report(ctx, old, snap, err)
	v := outcome(old, snap, err, began)
	r.view.Store(v)
	return v
}

// outcome is the view after old. A failure leaves the snapshot as it was; with
// none to go on with, the next try is the sooner the shorter the failure has lasted.
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

// fetch returns the ring in the store, nil if there is none.
func (r *Ring) fetch(ctx context.Context) (*Snapshot, error) {
	rec, err := r.store.Fetch(ctx, r.opts.ID)
	if errors.Is(err, provider.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if rec == nil {
		return nil, errors.New("keyring: the provider returned neither a record nor an error")
	}
	if old := r.view.Load().snap; old != nil && old.version == rec.Version {
		return old, nil
	}
	return snapshot(rec)
}

// advance makes the ring, or changes the one that the store holds, if that is
// due, and returns what the store holds then. A change that fails can wait: the
// ring goes on as it was read.
func (r *Ring) advance(ctx context.Context, snap *Snapshot, create bool) (*Snapshot, error) {
	now := time.Now()
	if snap == nil {
		if !create {
			return nil, nil
		}
		return r.publish(ctx, []Key{newKey(now)}, 0)
	}
	keys := r.change(ctx, snap.Keys, now)
	if keys == nil {
		return snap, nil
	}
	changed, err := r.publish(ctx, keys, snap.version)
	if err != nil {
		r.log(ctx, slog.LevelError, "signing keys could not be rotated", slog.Any("error", err))
		return snap, nil
	}
	return changed, nil
}

// change returns the keys that the ring should have, nil if it has them.
func (r *Ring) change(ctx context.Context, keys []Key, now time.Time) []Key {
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

// publish saves keys over the version expect, and returns what the store is
// then known to hold: these keys, or what another instance has put there, or
// nil if it was deleted. A save of unknown outcome is read back; one that is
// sent again is identical, so that it cannot land twice.
func (r *Ring) publish(ctx context.Context, keys []Key, expect int64) (*Snapshot, error) {
	rec := &provider.Record{ID: r.opts.ID, Version: envelope.NextVersion(expect), Format: Format, Data: encode(keys)}
	ours, err := snapshot(rec)
	if err != nil {
		return nil, err // what no one could read must not be stored
	}
	doubt := false
	for range saveAttempts {
		if err = r.save(ctx, rec, expect); err == nil {
			return ours, nil
		}
		if !doubt && errors.Is(err, provider.ErrRefused) {
			break
		}
		if !doubt && errors.Is(err, provider.ErrNotSaved) { // there is nothing to read back
			continue
		}
		doubt = true
		current, unread := r.readBack(ctx, err)
		if unread != nil {
			return nil, fmt.Errorf("keyring: %w, and not read back: %w", err, unread)
		}
		if versionOf(current) != expect {
			return current, nil // ours, another's, or gone
		}
	}
	return nil, fmt.Errorf("keyring: %w", err)
}

// save leaves half of the time for reading back.
func (r *Ring) save(ctx context.Context, rec *provider.Record, expect int64) error {
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	return r.store.Save(ctx, rec, expect)
}

// versionOf returns the version that Save expects where s is in the store.
func versionOf(s *Snapshot) int64 {
	if s == nil {
		return 0
	}
	return s.version
}

// readBack returns the ring in the store after a save that failed with err,
// which may have it.
func (r *Ring) readBack(ctx context.Context, err error) (*Snapshot, error) {
	if conflict, ok := errors.AsType[*provider.ConflictError](err); ok {
		return snapshot(conflict.Current)
	}
	return r.fetch(ctx)
}
