package keyring

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// restore puts back the keys of old that the store has lost in an eviction, a failover or
// a deletion. Otherwise every visitor whose cookie they have signed would become
// anonymous. It returns the ring that is then known to be stored. If it fails, the view
// stays as it was.
func (r *Ring) restore(a *records.Access, old *view, stored *Snapshot) (*Snapshot, error) {
	return r.change(a, stored, func(stored *Snapshot) []Key {
		lost := r.lost(old, stored)
		if len(lost) == 0 {
			return nil
		}
		keys := r.opts.merge(keysOf(stored), lost, time.Now())
		if stored != nil && len(keys) <= len(stored.Keys) { // the cookies of the lost ones have expired, or they do not fit
			return nil
		}
		r.reportLoss(a.Caller(), stored, len(lost))
		return keys
	})
}

func (r *Ring) reportLoss(ctx context.Context, stored *Snapshot, lost int) {
	msg := "signing keys are gone from the store (deleted, evicted or lost in a failover); restoring those in memory, without which their cookies are invalid"
	if stored != nil {
		msg = "the store has lost signing keys and holds others (an eviction, a failover, a restored backup); restoring those in memory, without which their cookies are invalid"
	}
	r.fault(ctx, observe.Event{Fault: observe.KeysLost}, slog.LevelError, msg, slog.Int("keys", lost))
}

// lost returns the keys of old that were not pruned and are not stored. Pruning removes
// the oldest keys first, so a key is lost if an older one is stored. Pruning removes all
// keys that were known at some time only after a later key has signed for Retention.
func (r *Ring) lost(old *view, stored *Snapshot) []Key {
	if old.snap == nil || old.snap == stored {
		return nil
	}
	replaced := time.Since(old.read) < r.opts.Retention && !slices.ContainsFunc(old.snap.Keys, stored.has)
	var lost []Key
	for _, k := range old.snap.Keys {
		older := func(s Key) bool { return s.From.Before(k.From) }
		if !stored.has(k) && (replaced || slices.ContainsFunc(keysOf(stored), older)) {
			lost = append(lost, k)
		}
	}
	return lost
}

// has reports whether the snapshot, which may be nil, has k, whatever its date.
func (s *Snapshot) has(k Key) bool {
	return slices.ContainsFunc(keysOf(s), func(o Key) bool { return bytes.Equal(o.Secret, k.Secret) })
}

func keysOf(s *Snapshot) []Key {
	if s == nil {
		return nil
	}
	return s.Keys
}

// merge returns the keys of a ring with both sets of keys, without those whose cookies
// have expired, and at most MaxKeys. No two have the same date.
func (o *Options) merge(stored, lost []Key, now time.Time) []Key {
	keys := slices.Concat(stored, lost)
	slices.SortStableFunc(keys, func(a, b Key) int { return b.From.Compare(a.From) })
	for i := 1; i < len(keys); i++ {
		if before := keys[i-1].From; !keys[i].From.Before(before) {
			keys[i].From = before.Add(-time.Millisecond)
		}
	}
	keys = o.prune(keys, now)
	return keys[:min(len(keys), MaxKeys)]
}
