package keyring_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// TestFleet lets instances with clocks up to an hour apart use one ring for
// months, over a store that fails now and then, and restarts them. Whatever
// happens, a cookie is good on every instance for as long as it may live.
func TestFleet(t *testing.T) {
	for range 50 {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(seed)
			for step := range 400 {
				f.step(t)
				if t.Failed() {
					t.Fatalf("seed %d, step %d", seed, step)
				}
			}
		})
	}
}

type fleet struct {
	*rand.Rand
	base                provider.Provider
	rotation, retention time.Duration
	skews               []time.Duration
	instances           []*instance
	faulty              bool // since it was last cleared, a call has failed
	cookies             []cookie
}

type cookie struct {
	secret []byte
	signed time.Time
}

func newFleet(seed uint64) *fleet {
	rnd := rand.New(rand.NewPCG(seed, 0))
	f := &fleet{Rand: rnd, base: memory.New()}
	f.retention = f.between(time.Hour, 72*time.Hour)
	f.rotation = f.between(max(time.Hour, f.retention/20), 200*time.Hour)
	for range 3 {
		f.skews = append(f.skews, f.between(-30*time.Minute, 30*time.Minute))
		f.instances = append(f.instances, nil)
		f.restart(len(f.skews) - 1)
	}
	return f
}

func (f *fleet) between(a, b time.Duration) time.Duration {
	return (a + time.Duration(f.Int64N(int64(b-a)+1))).Truncate(tick)
}

// restart replaces an instance by one that knows nothing.
func (f *fleet) restart(i int) {
	in := newInstance(f.base, func(o *keyring.Options) { o.Rotation, o.Retention = f.rotation, f.retention })
	setClock(in, f.skews[i])
	fetch, save := in.store.OnFetch, in.store.OnSave
	in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		if f.fails() {
			return nil, errDown
		}
		return fetch(ctx, id, next)
	}
	in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if f.fails() {
			return errDown
		}
		err := save(ctx, rec, expect, next)
		if f.fails() {
			return errDown // what came of it is lost
		}
		return err
	}
	f.instances[i] = in
}

func (f *fleet) fails() bool {
	fails := f.IntN(20) == 0
	f.faulty = f.faulty || fails
	return fails
}

func (f *fleet) step(t *testing.T) {
	elapse(keyring.Backoff + f.between(0, time.Second))
	if f.IntN(3) == 0 {
		elapse(f.between(0, f.rotation/4))
	}
	f.faulty = false
	switch i := f.IntN(len(f.instances)); f.IntN(10) {
	case 0:
		f.restart(i)
	case 1, 2, 3, 4:
		f.sign(t, f.instances[i])
	default:
		f.verify(t, f.instances[i])
	}
	f.checkStored(t)
}

func (f *fleet) sign(t *testing.T, in *instance) {
	snap, i, err := in.Signing(t.Context())
	if f.faulty {
		return // so the session was not stored either
	}
	if err != nil {
		t.Errorf("Signing: %v", err)
		return
	}
	key := snap.Keys[i]
	if !slices.ContainsFunc(storedKeys(t, f.base), func(k keyring.Key) bool { return bytes.Equal(k.Secret, key.Secret) }) {
		t.Error("signed with a key that is not in the store")
	}
	f.cookies = append(f.cookies, cookie{key.Secret, time.Now()})
}

// verify presents every cookie that may be alive.
func (f *fleet) verify(t *testing.T, in *instance) {
	f.cookies = slices.DeleteFunc(f.cookies, func(c cookie) bool { return time.Since(c.signed) >= f.retention })
	snap, err := in.Verifying(t.Context())
	for _, c := range f.cookies {
		known := func(s *keyring.Snapshot) bool {
			return s != nil && slices.ContainsFunc(s.Keys, func(k keyring.Key) bool { return bytes.Equal(k.Secret, c.secret) })
		}
		if err == nil && !known(snap) {
			snap = in.Refresh(t.Context(), snap)
		}
		if !f.faulty && !known(snap) {
			t.Errorf("a cookie signed %v ago is not known (%v)", time.Since(c.signed), err)
			return
		}
	}
}

func (f *fleet) checkStored(t *testing.T) {
	keys := storedKeys(t, f.base)
	for i := range len(keys) - 1 {
		if d := keys[i].From.Sub(keys[i+1].From); d < f.rotation {
			t.Errorf("two keys of one rotation, %v apart", d)
		}
	}
}
