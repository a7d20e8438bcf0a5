package keyring_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

const (
	lead  = 15 * time.Minute
	grace = retention + time.Hour // how long a successor must have signed
	tick  = time.Millisecond      // what a record's dates are exact to
)

// What a refresh does to the ring that it finds depends only on how far its
// keys are from the reader's clock: a ring dated an hour ahead is a ring that is
// read by a clock an hour behind.
func TestRefreshOfARing(t *testing.T) {
	for _, c := range []struct {
		name  string
		found []time.Duration // when the keys begin to sign, from now
		added bool
		kept  int // of those found
		signs int // index among those found
		log   string
	}{
		{"a young key is let be", []time.Duration{0}, false, 1, 0, ""},
		{"no key is due before Rotation less the lead", []time.Duration{-rotation + lead + tick}, false, 1, 0, ""},
		{"a key is due at Rotation less the lead", []time.Duration{-rotation + lead}, true, 1, 0, ""},
		{"a ring unused for years gets one key", []time.Duration{-100 * rotation}, true, 1, 0, ""},

		{"a published key does not sign before its time", []time.Duration{tick, -rotation}, false, 2, 1, ""},
		{"a key signs from its time on", []time.Duration{0, -rotation}, false, 2, 0, ""},
		{"the newest whose time has come signs", []time.Duration{tick, -tick, -time.Hour}, false, 3, 1, ""},

		{"a key stays before its successor has signed for Retention + 1 h", []time.Duration{-grace + tick, -rotation}, false, 2, 0, ""},
		{"a key goes when its successor has signed for Retention + 1 h", []time.Duration{-grace, -rotation}, false, 1, 0, ""},
		{"all before it go too", []time.Duration{0, -grace, -2 * grace, -3 * grace}, false, 2, 0, ""},
		{"that its own time is long past prunes no key", []time.Duration{-tick, -100 * rotation}, false, 2, 0, ""},
		{"one save adds and prunes", []time.Duration{-rotation, -2 * rotation}, true, 1, 0, ""},

		{"an hour ahead is not over an hour", []time.Duration{time.Hour, -2 * grace, -3 * grace}, false, 2, 1, ""},
		{"over an hour ahead is logged, not pruned", []time.Duration{time.Hour + tick, -2 * grace, -3 * grace}, false, 3, 1, "dated ahead"},
		{"if no key's time has come, the oldest signs", []time.Duration{2 * tick, tick}, false, 2, 1, ""},
		{"so it does over an hour ahead", []time.Duration{rotation, 2 * time.Hour}, false, 2, 1, "dated ahead"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInstance(memory.New())
				found := put(t, in.store.Provider, c.found...)
				snap, signs := mustSign(t, in)

				if !same(signs, found[c.signs]) {
					t.Errorf("signs: %v, want %v", signs, found[c.signs])
				}
				kept, saves := snap.Keys, int64(0)
				if c.added {
					kept = snap.Keys[1:]
					if d := time.Until(snap.Keys[0].From); d != lead {
						t.Errorf("the new key signs in %v, want %v", d, lead)
					}
				}
				if !slices.EqualFunc(kept, found[:c.kept], same) {
					t.Errorf("kept: %v, want %v", kept, found[:c.kept])
				}
				if !slices.EqualFunc(storedKeys(t, in.store.Provider), snap.Keys, same) {
					t.Error("the snapshot is not what is stored")
				}
				if c.added || c.kept < len(found) {
					saves = 1
				}
				if n := in.store.Saves.Load(); n != saves {
					t.Errorf("saves: %d, want %d", n, saves)
				}
				wantLog(t, in, c.log)
			})
		})
	}
}

func TestRotationIsPublished15MinutesBeforeItSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		a, b := newInstance(base), newInstance(base)
		_, first := mustSign(t, a)
		mustSign(t, b)

		elapse(rotation - lead)
		snap, key := mustSign(t, a)
		if len(snap.Keys) != 2 || !same(key, first) {
			t.Fatalf("at publication: %d keys, want 2, and the first to sign", len(snap.Keys))
		}
		elapse(5 * time.Minute)
		if !has(mustVerify(t, b), snap.Keys[0]) {
			t.Error("5 minutes later another instance does not know the key")
		}
		elapse(10*time.Minute - tick)
		if _, key := mustSign(t, b); !same(key, first) {
			t.Error("the new key signed before its time")
		}
		elapse(tick)
		for _, in := range []*instance{a, b} {
			if _, key := mustSign(t, in); !same(key, snap.Keys[0]) {
				t.Error("the new key does not sign in its time")
			}
		}
	})
}

// Not even for the snapshot that is at hand is there a moment without a key.
func TestKeyOfASnapshotSignsWithoutARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		found := put(t, in.store.Provider, time.Minute, -time.Hour)
		mustVerify(t, in)
		elapse(time.Minute)
		if _, key := mustSign(t, in); !same(key, found[0]) {
			t.Error("the newest key does not sign in its time")
		}
		wantTrips(t, in, 1)
	})
}

func TestOneRotationAddsOneKey(t *testing.T) {
	for _, c := range []struct {
		name string
		skew [3]time.Duration
	}{
		{"racing", [3]time.Duration{}},
		{"racing with clocks an hour apart", [3]time.Duration{-30 * time.Minute, 0, 30 * time.Minute}},
		{"racing with clocks days apart", [3]time.Duration{0, 24 * time.Hour, 48 * time.Hour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := memory.New()
				old := put(t, base, -rotation-time.Hour) // due by every clock
				done := make(chan *keyring.Snapshot)
				for _, skew := range c.skew {
					in := newInstance(base)
					setClock(in, skew)
					fetch := in.store.OnFetch
					in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
						rec, err := fetch(ctx, id, next)
						elapse(tick) // until all have seen that a key is due
						return rec, err
					}
					go func() {
						for range 5 {
							in.Verifying(t.Context())
							elapse(5 * time.Minute)
						}
						snap, _ := in.Verifying(t.Context())
						done <- snap
					}()
				}
				snaps := []*keyring.Snapshot{<-done, <-done, <-done}
				added := slices.DeleteFunc(storedKeys(t, base), func(k keyring.Key) bool { return same(k, old[0]) })
				if len(added) != 1 {
					t.Fatalf("added: %v, want one key", added)
				}
				for _, snap := range snaps {
					if snap == nil || !bytes.Equal(snap.Keys[0].Secret, added[0].Secret) {
						t.Errorf("ring: %v, want the key added", snap)
					}
				}
			})
		})
	}
}

func TestFullRingWaitsForTheOldestToGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New(), func(o *keyring.Options) { o.Rotation = time.Hour })
		from := make([]time.Duration, keyring.MaxKeys)
		for i := range from {
			from[i] = -time.Hour - time.Duration(i)*time.Minute
		}
		found := put(t, in.store.Provider, from...)
		if snap, key := mustSign(t, in); !slices.EqualFunc(snap.Keys, found, same) || !same(key, found[0]) {
			t.Errorf("ring: %d keys, want the %d found", len(snap.Keys), len(found))
		}
		wantLog(t, in, "too often")

		elapse(grace + from[len(from)-2]) // the oldest's successor has signed for long enough
		snap, _ := mustSign(t, in)
		if len(snap.Keys) != keyring.MaxKeys || !slices.EqualFunc(snap.Keys[1:], found[:len(found)-1], same) {
			t.Errorf("ring: %d keys, want a new one in the oldest's place", len(snap.Keys))
		}
	})
}

// setClock makes the instance see the ring as if its clock were ahead of the
// others' by skew, and the others see what it writes likewise. A bubble has one
// clock, but all that an instance does with it is to compare the ring's dates
// with it and to date keys by it: shifting the dates at the instance's door is
// the same.
func setClock(in *instance, skew time.Duration) {
	in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		rec, err := next(ctx, id)
		return shift(rec, -skew), err
	}
	in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		err := next(ctx, shift(rec, skew), expect)
		if c, ok := err.(*provider.ConflictError); ok {
			return &provider.ConflictError{Current: shift(c.Current, -skew)}
		}
		return err
	}
}

// shift returns the ring with all dates moved by d.
func shift(rec *provider.Record, d time.Duration) *provider.Record {
	if rec == nil {
		return nil
	}
	keys, err := keyring.Decode(rec.Data)
	if err != nil {
		return rec
	}
	for i := range keys {
		keys[i].From = keys[i].From.Add(d)
	}
	moved := *rec
	moved.Data = keyring.Encode(keys)
	return &moved
}
