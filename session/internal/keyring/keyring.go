// Package keyring keeps the keys that sign session cookies in the provider, as one more
// versioned record that all instances share.
//
// A ring is created on first use, gets a new key every Rotation, and drops a key once no
// cookie signed with it can be valid. Each change is one compare-and-swap: of racing
// instances, one wins and the others use its ring. A new key is published [Lead] before
// it signs, and every instance reads the ring again at least every [MaxAge], so that a
// key is known everywhere before its first cookie arrives. There is no goroutine: the
// callers refresh the ring.
//
// A ring that the store loses is restored. An instance that finds it missing, or finds
// another ring that shares no key with it, adds the keys that it has in memory by
// compare-and-swap, and logs an error. An instance that was started in between, and has
// created its own ring, therefore rejects older cookies for at most MaxAge. If no
// instance has the keys in memory they are lost. To revoke all keys, stop every instance
// and then delete the record.
package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	// Lead is the time between the publication of a new key and its first use.
	Lead = 15 * time.Minute

	// MaxAge is how long a snapshot is used before the ring is read again.
	MaxAge = 5 * time.Minute

	// maxEarly is how much earlier than after MaxAge a snapshot may be read again.
	maxEarly = time.Minute

	// Backoff is the minimum time between a refresh and one that is caused by a cookie of an
	// unknown key. A failed refresh is not repeated within Backoff while there is a snapshot
	// to use. A refresh that found no ring is not repeated either, except to create the
	// ring.
	Backoff = 10 * time.Second

	// firstBackoff is the minimum time between two refreshes that fail while there is no
	// snapshot to use, unless they are to create the ring. It doubles up to Backoff. Without
	// a snapshot no cookie can be verified, so visitors must not wait long after the store
	// has recovered.
	firstBackoff = time.Second
)

// Options configure a Ring. None has a default.
type Options struct {
	// ID is the ID of the ring's record.
	ID string

	// Rotation is the time after which a new key is added.
	Rotation time.Duration

	// Retention is the longest lifetime of a cookie. A key is pruned only when its successor
	// has signed for Retention and another hour. A ring holds at most MaxKeys keys: a
	// Rotation shorter than about a sixtieth of Retention fills it, and then the next key
	// waits until the oldest is pruned.
	Retention time.Duration

	Logger   *slog.Logger
	Observer observe.Observer // of faults
}

// Snapshot is the ring as it was read at one moment. It is immutable. A refresh that
// finds the ring unchanged keeps the pointer, so that data derived from a Snapshot may be
// cached with the pointer as its key.
type Snapshot struct {
	Keys []Key // newest first; at least one

	version int64 // of the record
}

// Ring is one instance's view of the ring in a store. It is safe for concurrent use.
type Ring struct {
	store *records.Store
	rings records.Kind[*Snapshot]
	opts  Options

	view atomic.Pointer[view] // never nil
	turn chan struct{}        // a caller that has sent to it may refresh
}

// New returns the ring that the store keeps under o.ID. It does no I/O. The store's
// Timeout bounds all calls of one refresh together.
func New(store *records.Store, o Options) *Ring {
	r := &Ring{store: store, rings: records.Kind[*Snapshot]{Read: read, Recreates: true}, opts: o, turn: make(chan struct{}, 1)}
	r.view.Store(&view{})
	return r
}

// Signing returns the ring and the index of the key that signs now. It creates the ring
// if there is none. Every key of a Snapshot is known to be in the store: if that cannot
// be confirmed for the first key, Signing fails. The error wraps [ErrUnreadable] for a
// record that cannot be read, and the provider's error otherwise.
func (r *Ring) Signing(ctx context.Context) (*Snapshot, int, error) {
	snap, err := r.current(ctx, true)
	if err != nil {
		return nil, 0, err
	}
	return snap, signing(snap.Keys, time.Now()), nil
}

// Verifying returns the ring to verify cookies with. It is nil if there is none, because
// then no cookie is valid. It returns an error if that is not known, because an outage
// must not make visitors anonymous. While the ring is fresh it costs an atomic load and a
// look at the clock.
func (r *Ring) Verifying(ctx context.Context) (*Snapshot, error) {
	return r.current(ctx, false)
}

// Refresh is called for a cookie that no key of old has signed, where old is the result
// of Verifying. It returns the Snapshot to try next, or old itself:
//
//	if next := ring.Refresh(ctx, snap); next != nil && next != snap {
//		// verify with next.Keys
//	}
//
// Forged cookies must not cause a storage trip each, so the ring is not read again within
// Backoff. Callers during a refresh wait for its result, so that the parallel requests of
// one page get the same answer.
func (r *Ring) Refresh(ctx context.Context, old *Snapshot) *Snapshot {
	if v := r.view.Load(); v.snap != old || v.recent() {
		return v.snap
	}
	if !r.acquire(ctx, true) {
		return old
	}
	defer r.release()
	if v := r.view.Load(); v.snap != old || v.recent() {
		return v.snap
	}
	return r.refresh(ctx, false).snap
}

// current returns the ring. It refreshes the ring if that is due and no other caller is
// doing so. With create, exactly one result is non-nil.
func (r *Ring) current(ctx context.Context, create bool) (*Snapshot, error) {
	seen := r.view.Load()
	if seen.serves(create) {
		return seen.snap, seen.err
	}
	if wait := seen.stale(); !r.acquire(ctx, wait) {
		if wait {
			return nil, fmt.Errorf("keyring: %w", context.Cause(ctx))
		}
		return seen.snap, nil
	}
	defer r.release()
	if v := r.view.Load(); v.serves(create) || v != seen && v.err != nil {
		return v.snap, v.err // the result that was waited for, even if it is an error
	}
	v := r.refresh(ctx, create)
	return v.snap, v.err
}

// acquire acquires the right to refresh. It uses a channel instead of a mutex, so that a
// visitor who has disconnected need not wait.
func (r *Ring) acquire(ctx context.Context, wait bool) bool {
	select {
	case r.turn <- struct{}{}:
		return true
	default:
	}
	if !wait {
		return false
	}
	select {
	case r.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Ring) release() { <-r.turn }

// view is the result of the latest refresh. It is immutable. The zero view is due and
// stale.
type view struct {
	snap  *Snapshot // nil: there is no ring, or err is set
	err   error     // why it is unknown whether there is a ring
	since time.Time // if err is set: the time of the first failed try
	read  time.Time // when the store last answered
	tried time.Time // when the latest refresh ended
	due   time.Time // when the next one is
}

// serves reports whether the view can be used as it is.
func (v *view) serves(create bool) bool {
	return time.Now().Before(v.due) && (v.snap != nil || !create)
}

// stale reports whether the view must not be used while it is refreshed. After Lead, a
// key that it lacks may already sign, and its own keys may be about to be pruned.
func (v *view) stale() bool { return v.snap == nil || time.Since(v.read) >= Lead }

// recent reports whether it is too early to look for an unknown key.
func (v *view) recent() bool { return time.Since(v.tried) < Backoff }
