package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

func TestNewDoesNoIO(t *testing.T) {
	wantTrips(t, newInstance(memory.New()), 0)
}

func TestVerifyingMakesNoRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		if snap := mustVerify(t, in); snap != nil {
			t.Errorf("Verifying: %v, want nil", snap)
		}
		if rec := stored(t, in.store.Provider); rec != nil {
			t.Errorf("stored: %v, want nothing", rec)
		}
	})
}

func TestMissingRingIsLookedForOncePer10Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		mustVerify(t, in)
		elapse(10*time.Second - 1)
		mustVerify(t, in)
		in.Refresh(t.Context(), nil)
		wantTrips(t, in, 1)
		elapse(1)
		mustVerify(t, in)
		wantTrips(t, in, 2)
	})
}

func TestSigningMakesTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elapse(time.Millisecond / 3) // From has milliseconds only
		in := newInstance(memory.New())
		mustVerify(t, in) // that there is none must not keep it from being made at once
		snap, key := mustSign(t, in)
		if len(snap.Keys) != 1 || len(key.Secret) != 32 || bytes.Equal(key.Secret, make([]byte, 32)) {
			t.Errorf("ring: %v, want one key of 32 random bytes", snap.Keys)
		}
		if d := time.Since(key.From); d < 0 || d >= time.Millisecond {
			t.Errorf("the first key has signed for %v, want from now on", d)
		}
		if other := mustVerify(t, in); other != snap {
			t.Errorf("Verifying: %p, want Signing's %p", other, snap)
		}
		wantTrips(t, in, 3)
	})
}

func TestRecordOfTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		snap, _ := mustSign(t, in)
		first := *stored(t, in.store.Provider)
		if !first.ExpiresAt.IsZero() {
			t.Errorf("ExpiresAt: %v, want never", first.ExpiresAt)
		}
		if first.Format != "holdfast-keyring" {
			t.Errorf("Format: %q", first.Format)
		}
		if !bytes.Equal(first.Data, keyring.Encode(snap.Keys)) {
			t.Errorf("Data: %x, want that of %v", first.Data, snap.Keys)
		}
		elapse(rotation)
		mustSign(t, in)
		second := stored(t, in.store.Provider)
		if first.Version>>32 != 1 || second.Version>>32 != 2 {
			t.Errorf("versions %#x, %#x: want counters 1 and 2", first.Version, second.Version)
		}
	})
}

func TestSecretIsRandomThroughout(t *testing.T) {
	var seen [32]byte
	for range 16 {
		_, key := mustSign(t, newInstance(memory.New()))
		for i, b := range key.Secret {
			seen[i] |= b
		}
	}
	if i := bytes.IndexByte(seen[:], 0); i >= 0 {
		t.Errorf("byte %d of 16 secrets is 0", i)
	}
}

func TestVersionIsNeverUsedTwice(t *testing.T) {
	seen := map[int64]bool{}
	for range 100 {
		in := newInstance(memory.New())
		mustSign(t, in)
		seen[stored(t, in.store.Provider).Version] = true
	}
	if len(seen) < 99 { // one collision in 2^32 is no fault
		t.Errorf("%d versions of 100 first records", len(seen))
	}
}

func TestInstancesShareOneRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		a, b := newInstance(base), newInstance(base)
		_, key := mustSign(t, a)
		if _, other := mustSign(t, b); !same(other, key) {
			t.Error("the second instance signs with a key of its own")
		}
	})
}

func TestRingLivesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		_, key := mustSign(t, newInstance(base))
		elapse(time.Hour)
		if snap := mustVerify(t, newInstance(base)); !has(snap, key) {
			t.Error("the restarted instance does not know the key")
		}
	})
}

func TestCreateRaceMakesOneRing(t *testing.T) {
	for _, c := range []struct {
		name string
		save func(error) error
	}{
		{"the conflict brings the winner", func(err error) error { return err }},
		{"the conflict is bare", func(err error) error {
			if err != nil {
				return provider.ErrVersionConflict
			}
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := memory.New()
				keys := make(chan keyring.Key, 5)
				for range cap(keys) {
					in := newInstance(base)
					in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
						rec, err := next(ctx, id)
						elapse(time.Millisecond) // until all have seen that there is none
						return rec, err
					}
					in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
						return c.save(next(ctx, rec, expect))
					}
					go func() {
						snap, i, err := in.Signing(t.Context())
						if err != nil {
							t.Errorf("Signing: %v", err)
							keys <- keyring.Key{}
							return
						}
						keys <- snap.Keys[i]
					}()
				}
				want := <-keys
				for range cap(keys) - 1 {
					if key := <-keys; !same(key, want) {
						t.Error("two instances sign with different keys")
					}
				}
				if ring := storedKeys(t, base); len(ring) != 1 || !same(ring[0], want) {
					t.Errorf("stored: %v, want the one key", ring)
				}
			})
		})
	}
}

// Instances that were started at the same moment, as after an outage of the machines, would
// otherwise read the ring at the same moments for as long as they run.
func TestInstancesReadTheRingAtDifferentTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		put(t, base, 0)
		var instances []*instance
		for range 100 {
			in := newInstance(base)
			mustVerify(t, in)
			instances = append(instances, in)
		}
		elapse(4 * time.Minute)
		for second := range 61 {
			reads := 0
			for _, in := range instances {
				before := in.store.Trips()
				mustVerify(t, in)
				reads += int(in.store.Trips() - before)
			}
			if reads > 20 {
				t.Errorf("%d of 100 instances read the ring in second %d", reads, 240+second)
			}
			elapse(time.Second)
		}
	})
}

func TestRefreshEvery4To5Minutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		put(t, in.store.Provider, 0)
		for _, use := range []func(){
			func() { mustVerify(t, in) },
			func() { mustSign(t, in) },
		} {
			use()
			before := in.store.Trips()
			elapse(4 * time.Minute)
			use()
			wantTrips(t, in, before)
			elapse(time.Minute)
			use()
			wantTrips(t, in, before+1)
			elapse(5 * time.Minute)
		}
	})
}

func TestUnchangedRingKeepsItsSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		snap, _ := mustSign(t, in)
		elapse(time.Hour)
		if again := mustVerify(t, in); again != snap {
			t.Errorf("snapshot after a refresh: %p, want %p", again, snap)
		}
		wantTrips(t, in, 3)
	})
}

func TestOneCallerRefreshesTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		put(t, in.store.Provider, 0)
		slow := time.Duration(0)
		in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			elapse(slow)
			return next(ctx, id)
		}
		snap := mustVerify(t, in)
		elapse(5 * time.Minute)
		slow = time.Second
		go in.Verifying(t.Context())
		synctest.Wait()
		began := time.Now()
		if other := mustVerify(t, in); other != snap {
			t.Error("Verifying during a refresh: another snapshot")
		}
		if other, _ := mustSign(t, in); other != snap {
			t.Error("Signing during a refresh: another snapshot")
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("the others waited %v", d)
		}
		wantTrips(t, in, 2)
		elapse(slow)
	})
}

func TestFirstCallersShareOneRefresh(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
	}{
		{"that succeeds", nil},
		{"that fails", errDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInstance(memory.New())
				put(t, in.store.Provider, 0)
				in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
					elapse(time.Second)
					if c.err != nil {
						return nil, c.err
					}
					return next(ctx, id)
				}
				began := time.Now()
				errs := make(chan error, 20)
				for range cap(errs) / 2 {
					go func() { _, err := in.Verifying(t.Context()); errs <- err }()
					go func() { _, _, err := in.Signing(t.Context()); errs <- err }()
				}
				for range cap(errs) {
					if err := <-errs; !errors.Is(err, c.err) {
						t.Errorf("error: %v, want %v", err, c.err)
					}
				}
				if d := time.Since(began); d != time.Second {
					t.Errorf("took %v, want the time of one refresh", d)
				}
				wantTrips(t, in, 1)
			})
		})
	}
}

func TestSigningMakesTheRingThatAnotherCallerDidNotFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			elapse(time.Second)
			return next(ctx, id)
		}
		go in.Verifying(t.Context())
		synctest.Wait()
		if snap, _ := mustSign(t, in); len(snap.Keys) != 1 {
			t.Errorf("ring: %v, want one key", snap.Keys)
		}
	})
}

func TestWaitingEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			elapse(time.Second)
			return next(ctx, id)
		}
		go in.Verifying(t.Context())
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, _, err := in.Signing(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Signing: %v, want the context's error", err)
		}
		if _, err := in.Verifying(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Verifying: %v, want the context's error", err)
		}
		if snap := in.Refresh(ctx, nil); snap != nil {
			t.Errorf("Refresh: %v, want the old one", snap)
		}
		elapse(time.Second)
		wantTrips(t, in, 1)
	})
}

func TestUnknownKeyRefreshesOncePer10Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		in := newInstance(base)
		put(t, base, 0)
		old := mustVerify(t, in)
		keys := put(t, base, 0, -time.Hour)
		elapse(10*time.Second - 1)
		if snap := in.Refresh(t.Context(), old); snap != old {
			t.Error("refreshed twice within 10 s")
		}
		wantTrips(t, in, 1)
		elapse(1)
		snap := in.Refresh(t.Context(), old)
		if snap == old || !has(snap, keys[0]) {
			t.Errorf("Refresh: %v, want the new ring", snap)
		}
		if again := in.Refresh(t.Context(), snap); again != snap {
			t.Error("a ring that has not changed: another snapshot")
		}
		wantTrips(t, in, 2)
	})
}

func TestUnknownKeysOfParallelRequestsShareOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		in := newInstance(base)
		put(t, base, 0)
		in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			elapse(time.Second)
			return next(ctx, id)
		}
		old := mustVerify(t, in)
		elapse(time.Minute)
		remove(t, base)
		_, key := mustSign(t, newInstance(base))
		snaps := make(chan *keyring.Snapshot, 50)
		for range cap(snaps) {
			go func() { snaps <- in.Refresh(t.Context(), old) }()
		}
		for range cap(snaps) {
			if snap := <-snaps; !has(snap, key) {
				t.Error("a parallel request went on without the new key")
			}
		}
		// One who verified with the old snapshot, but comes after it all.
		elapse(time.Minute)
		if snap := in.Refresh(t.Context(), old); !has(snap, key) {
			t.Error("a late request went on without the new key")
		}
		wantTrips(t, in, 3) // two reads, and a save that puts the old key back
	})
}

func TestHotPathAllocatesNothing(t *testing.T) {
	in := newInstance(memory.New())
	mustSign(t, in)
	ctx := t.Context()
	for _, c := range []struct {
		name string
		call func()
	}{
		{"Verifying", func() { in.Verifying(ctx) }},
		{"Signing", func() { in.Signing(ctx) }},
	} {
		if n := testing.AllocsPerRun(100, c.call); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func BenchmarkVerifying(b *testing.B) {
	in := newInstance(memory.New())
	if _, _, err := in.Signing(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			in.Verifying(context.Background())
		}
	})
}
