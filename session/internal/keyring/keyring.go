// Package keyring keeps the keys that sign session cookies in the provider, as
// one more versioned record that all instances share.
//
// A ring is made on first use, gets a new key every Rotation, and loses a key
// once no cookie of it can be alive. Each change is one compare-and-swap: of
// instances that race, one wins and the others take its ring. A new key is
// published [Lead] before it signs, and every instance reads the ring anew at
// least every [MaxAge], so that a key is known everywhere before its first
// cookie arrives. There is no goroutine: the ring is refreshed by those who use
// it.
//
// A ring that the store loses is put back: an instance that finds it gone, or finds
// another one that shares no key with it, adds the keys that it has in memory by
// compare-and-swap, and logs an error. So an instance that was started meanwhile,
// and has made a ring of its own, takes visitors for strangers for MaxAge at most.
// Where no instance has the keys in memory they are lost. To revoke all keys, stop
// every instance before the record is deleted.
package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	// Lead is how long before it signs a new key is published.
	Lead = 15 * time.Minute

	// MaxAge is how long a snapshot is used before the ring is read anew.
	MaxAge = 5 * time.Minute

	// Backoff is the least time between a refresh and one that a cookie of an
	// unknown key causes. A refresh that failed is not repeated within it either
	// while there is a snapshot to go on with, nor is one that found no ring,
	// unless to make it.
	Backoff = 10 * time.Second

	// firstBackoff is the least time between two refreshes that fail while there is
	// no snapshot to go on with, unless they are to make the ring. It doubles up to
	// Backoff: nobody can tell a visitor's cookie from a forged one then, and the
	// visitors must not wait long for a store that is back.
	firstBackoff = time.Second
)

// Options configure a Ring. None has a default.
type Options struct {
	// ID is the ID of the ring's record.
	ID string

	// Rotation is how often a new key is added.
	Rotation time.Duration

	// Retention is the longest that a cookie may live. A key is pruned only
	// when its successor has signed for Retention and another hour. A ring
	// holds at most MaxKeys: a Rotation shorter than about a sixtieth of
	// Retention fills it, and then waits for the oldest key to go.
	Retention time.Duration

	Logger *slog.Logger
}

// Snapshot is the ring as it was read at one moment. It is immutable, and a
// refresh that finds the ring unchanged keeps the pointer: what is derived from
// a Snapshot may be cached under it.
type Snapshot struct {
	Keys []Key // newest first; at least one

	version int64 // of the record
}

// Ring is one instance's view of the ring in a store. It is safe for concurrent
// use.
type Ring struct {
	store *records.Store
	rings records.Kind[*Snapshot]
	opts  Options

	view atomic.Pointer[view] // never nil
	turn chan struct{}        // whoever has put its token in may refresh
}

// New returns the ring that the store keeps under o.ID. It does no I/O. The store's
// Timeout bounds the calls of one refresh, taken together.
func New(store *records.Store, o Options) *Ring {
	r := &Ring{store: store, rings: records.Kind[*Snapshot]{Read: read, Recreates: true}, opts: o, turn: make(chan struct{}, 1)}
	r.view.Store(&view{})
	return r
}

// Signing returns the ring and the index of the key that signs now. It makes
// the ring if there is none. Every key of a Snapshot is known to be in the
// store: if that cannot be confirmed of the first one, Signing fails. An error
// of a record that cannot be read wraps [ErrUnreadable], others the provider's.
func (r *Ring) Signing(ctx context.Context) (*Snapshot, int, error) {
	snap, err := r.current(ctx, true)
	if err != nil {
		return nil, 0, err
	}
	return snap, signing(snap.Keys, time.Now()), nil
}

// Verifying returns the ring to verify cookies with: nil if there is none, for
// then no cookie is ours; and an error if that is not known, for an outage must
// not turn visitors into strangers. While the ring is fresh it costs an atomic
// load and a look at the clock.
func (r *Ring) Verifying(ctx context.Context) (*Snapshot, error) {
	return r.current(ctx, false)
}

// Refresh is for a cookie that no key of old has signed, which is what Verifying
// returned. It returns the Snapshot to try next, old itself if there is none:
//
//	if next := ring.Refresh(ctx, snap); next != nil && next != snap {
//		// verify with next.Keys
//	}
//
// Forged cookies are not to cause a storage trip each, so the ring is not read
// again within Backoff. Those who come while a refresh is under way wait for
// its outcome, or the parallel requests of one page would be told apart.
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

// current returns the ring, refreshed by this caller if that is due and nobody
// else is at it. With create it is never nil without an error.
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
		return v.snap, v.err // the outcome that was waited for, be it a failure
	}
	v := r.refresh(ctx, create)
	return v.snap, v.err
}

// acquire takes the turn to refresh. It is a channel, not a mutex, so that a
// visitor who has hung up need not wait for it.
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

// view is what the latest refresh left. It is immutable. The zero view is due
// and stale.
type view struct {
	snap  *Snapshot // nil: there is no ring, or err
	err   error     // why it is not known whether there is one
	since time.Time // if so: when that was first tried
	read  time.Time // when the store last answered
	tried time.Time // when the latest refresh ended
	due   time.Time // when the next one is
}

// serves reports whether the view can be used as it is.
func (v *view) serves(create bool) bool {
	return time.Now().Before(v.due) && (v.snap != nil || !create)
}

// stale reports whether nobody may go on with the view while it is refreshed:
// past Lead there may be a key that it lacks and that signs, so that its own may
// be about to be pruned.
func (v *view) stale() bool { return v.snap == nil || time.Since(v.read) >= Lead }

// recent reports whether it is too early for an unknown key to be looked for.
func (v *view) recent() bool { return time.Since(v.tried) < Backoff }
