package keyring_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/observe"
)

// wantKeys checks that the ring in the store and that of the instance have these keys,
// in any order, and no others but new ones.
func wantKeys(t *testing.T, in *instance, others int, keys ...keyring.Key) {
	t.Helper()
	snap := mustVerify(t, in)
	for _, k := range keys {
		if !has(snap, k) {
			t.Errorf("a key is not known")
		}
	}
	if snap == nil || len(snap.Keys) != len(keys)+others {
		t.Errorf("ring: %v, want %d keys", snap, len(keys)+others)
	}
	all := storedKeys(t, in.store.Provider)
	if snap == nil || len(all) != len(snap.Keys) {
		t.Errorf("%d keys are stored, want those that are known", len(all))
	}
}

func TestLostRingIsPutBack(t *testing.T) {
	for _, use := range []string{"Verifying", "Signing"} {
		t.Run(use, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInstance(memory.New())
				keys := put(t, in.store.Provider, -time.Hour, -2*time.Hour)
				mustVerify(t, in)
				remove(t, in.store.Provider)
				elapse(5 * time.Minute)
				if use == "Signing" {
					mustSign(t, in)
				}
				wantKeys(t, in, 0, keys...)
				wantLog(t, in, "level=ERROR")
				wantLog(t, in, "gone from the store")
				elapse(5 * time.Minute)
				wantKeys(t, in, 0, keys...)
				if n := strings.Count(in.log.String(), "\n"); n != 1 {
					t.Errorf("%d lines logged, want one", n)
				}
				if want := []observe.Fault{observe.KeysLost}; !slices.Equal(in.faults, want) {
					t.Errorf("observed the faults %q, want %q", in.faults, want)
				}
			})
		})
	}
}

// An instance that was started while the ring was gone has made one of its own.
func TestLostRingIsPutBackBesideTheOneThatWasMadeSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		old := newInstance(base)
		snap, key := mustSign(t, old)
		elapse(time.Hour)
		mustVerify(t, old)
		remove(t, base)
		young := newInstance(base)
		_, other := mustSign(t, young)
		if snap := old.Refresh(t.Context(), snap); has(snap, other) {
			t.Error("refreshed twice within 10 s")
		}
		elapse(10 * time.Second)
		old.Refresh(t.Context(), mustVerify(t, old)) // for young's cookie
		wantLog(t, old, "holds others")
		wantKeys(t, old, 0, key, other)
		young.Refresh(t.Context(), mustVerify(t, young)) // for old's
		wantKeys(t, young, 0, key, other)
		if young.log.Len() > 0 {
			t.Errorf("log of the instance that has lost nothing: %s", young.log)
		}
	})
}

// Of two instances that put their keys back, the first may know fewer.
func TestEveryInstancePutsBackWhatTheOthersDoNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		idle, busy := newInstance(base), newInstance(base)
		first := keyring.Key{Secret: []byte(strings.Repeat("1", 32)), From: time.Now()}
		putRecord(t, base, keyring.Format, keyring.Encode([]keyring.Key{first}))
		mustVerify(t, idle)
		elapse(time.Hour)
		second := keyring.Key{Secret: []byte(strings.Repeat("2", 32)), From: time.Now()}
		putRecord(t, base, keyring.Format, keyring.Encode([]keyring.Key{second, first}))
		mustVerify(t, busy)
		remove(t, base)
		elapse(5 * time.Minute)
		wantKeys(t, idle, 0, first)
		wantKeys(t, busy, 0, second, first)
	})
}

func TestLostRingIsPutBackOnceOfInstancesThatRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		a, b := newInstance(base), newInstance(base)
		keys := put(t, base, 0, -time.Hour)
		mustVerify(t, a)
		mustVerify(t, b)
		remove(t, base)
		elapse(5 * time.Minute)
		a.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			mustVerify(t, b)
			return next(ctx, rec, expect)
		}
		wantKeys(t, a, 0, keys...)
		wantKeys(t, b, 0, keys...)
	})
}

func TestKeysOfOneDateAreBothPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		old := newInstance(base)
		_, key := mustSign(t, old)
		remove(t, base)
		_, other := mustSign(t, newInstance(base))
		elapse(5 * time.Minute)
		snap := mustVerify(t, old)
		if len(snap.Keys) != 2 || string(snap.Keys[0].Secret) != string(other.Secret) || string(snap.Keys[1].Secret) != string(key.Secret) {
			t.Errorf("ring: %v, want both keys", snap.Keys)
		}
	})
}

func TestKeysInMemoryVerifyOnWhileTheyCannotBePutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		snap, key := mustSign(t, in)
		remove(t, in.store.Provider)
		down := true
		in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if down {
				return errDown
			}
			return next(ctx, rec, expect)
		}
		elapse(5 * time.Minute)
		if got := mustVerify(t, in); got != snap {
			t.Errorf("Verifying: %v, want the old ring", got)
		}
		down = false
		elapse(10 * time.Second)
		wantKeys(t, in, 0, key)
	})
}

// What the store does not have may be pruned, not lost.
func TestPrunedKeysAreNotPutBack(t *testing.T) {
	for _, c := range []struct {
		name        string
		known, left []time.Duration // when the keys begin to sign, from the first look
		later       time.Duration
	}{
		{"the older ones", []time.Duration{-grace + time.Minute, -2 * grace}, []time.Duration{-grace + time.Minute}, 5 * time.Minute},
		{"the older ones, by a clock ahead of ours", []time.Duration{-grace + 10*time.Minute, -2 * grace}, []time.Duration{-grace + 10*time.Minute}, 5 * time.Minute},
		{"all that an idle instance knew", []time.Duration{-time.Hour}, []time.Duration{time.Hour}, grace + time.Hour},
		{"all that an idle instance knew, by a clock ahead of ours", []time.Duration{-time.Hour}, []time.Duration{time.Hour}, grace + 50*time.Minute},
		{"all, long ago", []time.Duration{-time.Hour, -grace}, []time.Duration{100 * grace, 99 * grace}, 101*grace - time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInstance(memory.New(), func(o *keyring.Options) { o.Rotation = 1000 * grace })
				put(t, in.store.Provider, c.known...)
				mustVerify(t, in)
				var left []keyring.Key
				for i, d := range c.left {
					secret := bytes.Repeat([]byte{byte(i + 1)}, 32) // as put has it
					if c.known[0] != c.left[0] {
						secret[0] += 100
					}
					left = append(left, keyring.Key{Secret: secret, From: time.Now().Add(d)})
				}
				putRecord(t, in.store.Provider, keyring.Format, keyring.Encode(left))
				elapse(c.later)
				mustVerify(t, in)
				if n := in.store.Saves.Load(); n != 0 {
					t.Errorf("saves: %d, want none", n)
				}
				if in.log.Len() > 0 {
					t.Errorf("log: %s", in.log)
				}
			})
		})
	}
}

// Records keep dates to the millisecond, and so do the keys in memory: keys of two
// instances that were made in one millisecond fit into one ring.
func TestKeysOfOneMillisecondAreBothPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elapse(100 * time.Microsecond)
		store := memory.New()
		old, young := newInstance(store), newInstance(store)
		_, first := mustSign(t, old)
		remove(t, store)
		elapse(200 * time.Microsecond)
		_, second := mustSign(t, young)
		elapse(5 * time.Minute)
		snap := mustVerify(t, old)
		if len(snap.Keys) != 2 || string(snap.Keys[0].Secret) != string(second.Secret) || string(snap.Keys[1].Secret) != string(first.Secret) {
			t.Errorf("ring: %v, want both keys", snap.Keys)
		}
	})
}
