package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	secretSize = 32

	// maxSkew is the maximum difference between the clocks of instances. A slow instance may
	// sign with a superseded key for that long.
	maxSkew = time.Hour
)

// Key is one signing key.
type Key struct {
	Secret []byte    // 32 random bytes
	From   time.Time // when it begins to sign
}

func newKey(from time.Time) Key {
	k := Key{Secret: make([]byte, secretSize), From: from}
	rand.Read(k.Secret) // never fails
	return k
}

// signing returns the index of the key that signs at now: the newest whose From is not in
// the future. If the clock is behind all keys, it is the oldest key, which is the one
// most likely known to the other instances.
func signing(keys []Key, now time.Time) int {
	i := slices.IndexFunc(keys, func(k Key) bool { return !k.From.After(now) })
	if i < 0 {
		return len(keys) - 1
	}
	return i
}

// SigningAt returns the index of the key of s that signs at now.
func (s *Snapshot) SigningAt(now time.Time) int { return signing(s.Keys, now) }

// ahead reports whether the newest key is dated so far ahead of now that one of the two
// clocks must be wrong. Nothing can be concluded from their difference.
func ahead(keys []Key, now time.Time) bool {
	return keys[0].From.After(now.Add(maxSkew))
}

// due reports whether a new key is due. Only the date of the newest key counts: as soon
// as one instance has added a key, no other has a reason to add one.
func (o *Options) due(keys []Key, now time.Time) bool {
	return !now.Before(keys[0].From.Add(o.Rotation - Lead))
}

// prune returns keys without those whose cookies have all expired. It does not modify
// keys.
func (o *Options) prune(keys []Key, now time.Time) []Key {
	i := slices.IndexFunc(keys, func(k Key) bool {
		return !k.From.Add(o.Retention + maxSkew).After(now)
	})
	if i < 0 {
		return keys
	}
	return keys[:i+1] // keys[i] has signed long enough for all before it to go
}

// advance creates the ring, or changes the stored one if that is due, and returns the
// ring that is then stored. If a change fails, it returns the ring that was read.
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
		r.fault(ctx, observe.Event{Fault: observe.KeysFailed, Err: err}, slog.LevelError, "signing keys could not be rotated", slog.Any("error", err))
		return snap, nil
	}
	return changed, err
}

// ErrFull is returned by [Ring.Rotate] for a ring of [MaxKeys] keys, each of which may have
// signed a cookie that is still valid.
var ErrFull = errors.New("keyring: the ring is full, and none of its keys can be removed yet")

// Rotate adds a key before it is due. The key signs after [Lead], when all instances know
// it. Rotate creates the ring if there is none, and does nothing if the newest key does not
// sign yet, so that a repeated call adds one key. It always reads the store.
func (r *Ring) Rotate(ctx context.Context) error {
	if !r.acquire(ctx, true) {
		return fmt.Errorf("keyring: %w", context.Cause(ctx))
	}
	defer r.release()
	_, err := r.refreshBy(ctx, r.rotate)
	return err
}

// rotate is the change of Rotate.
func (r *Ring) rotate(a *records.Access, snap *Snapshot) (*Snapshot, error) {
	full := false
	changed, err := r.change(a, snap, func(stored *Snapshot) []Key {
		now := time.Now()
		full = false
		switch {
		case stored == nil:
			return []Key{newKey(now)}
		case stored.Keys[0].From.After(now):
			return nil
		}
		kept := r.opts.prune(stored.Keys, now)
		if full = len(kept) >= MaxKeys; full {
			return nil
		}
		return withNewKey(kept, now)
	})
	if err == nil && full {
		err = ErrFull
	}
	return changed, err
}

// withNewKey returns keys with one more, which is published at now.
func withNewKey(kept []Key, now time.Time) []Key {
	return append([]Key{newKey(now.Add(Lead))}, kept...)
}

// due returns the keys that the ring should have, or nil if it has them.
func (r *Ring) due(ctx context.Context, keys []Key, now time.Time) []Key {
	if ahead(keys, now) {
		r.fault(ctx, observe.Event{Fault: observe.ClockSkew}, slog.LevelWarn, "signing keys are dated ahead: the clock of this or another instance is or was wrong",
			slog.Duration("by", keys[0].From.Sub(now)))
		return nil
	}
	kept := r.opts.prune(keys, now)
	switch {
	case r.opts.due(keys, now) && len(kept) < MaxKeys:
		return withNewKey(kept, now)
	case r.opts.due(keys, now):
		r.log(ctx, slog.LevelWarn, "signing keys are rotated too often for the lifetime of cookies: the ring is full")
	case len(kept) < len(keys):
		return kept
	}
	return nil
}
