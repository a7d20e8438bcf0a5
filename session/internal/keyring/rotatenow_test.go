package keyring_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

func TestRotate(t *testing.T) {
	for _, c := range []struct {
		name  string
		found []time.Duration // when the keys begin to sign, from now
		added bool
		kept  int // of those found
	}{
		{"a young key gets a successor", []time.Duration{0}, true, 1},
		{"a key that does not sign yet is enough", []time.Duration{lead, -rotation}, false, 2},
		{"so is one that is dated far ahead", []time.Duration{2 * time.Hour, -rotation}, false, 2},
		{"a key whose cookies have expired goes", []time.Duration{-grace, -rotation}, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInstance(memory.New())
				found := put(t, in.store.Provider, c.found...)
				if err := in.Rotate(t.Context()); err != nil {
					t.Fatal(err)
				}
				kept := storedKeys(t, in.store.Provider)
				if c.added {
					if d := time.Until(kept[0].From); d != lead {
						t.Errorf("the new key signs in %v, want %v", d, lead)
					}
					kept = kept[1:]
				}
				if !slices.EqualFunc(kept, found[:c.kept], same) {
					t.Errorf("kept %v, want %v", kept, found[:c.kept])
				}
				if snap := mustVerify(t, in); !slices.EqualFunc(snap.Keys, storedKeys(t, in.store.Provider), same) {
					t.Error("the instance does not know what it has stored")
				}
			})
		})
	}
}

func TestRotateCreatesTheRing(t *testing.T) {
	in := newInstance(memory.New())
	if err := in.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys := storedKeys(t, in.store.Provider); len(keys) != 1 || keys[0].From.After(time.Now()) {
		t.Errorf("the ring has %v", keys)
	}
}

func TestRotateAFullRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		var found []time.Duration
		for i := range keyring.MaxKeys {
			found = append(found, -time.Duration(i)*time.Second)
		}
		put(t, in.store.Provider, found...)
		if err := in.Rotate(t.Context()); !errors.Is(err, keyring.ErrFull) {
			t.Errorf("got %v", err)
		}
		if n := len(storedKeys(t, in.store.Provider)); n != keyring.MaxKeys {
			t.Errorf("there are %d keys", n)
		}
		if _, _, err := in.Signing(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Of operators at several instances who rotate at the same time, one adds a key.
func TestRotateAtSeveralInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		put(t, store, 0)
		var g sync.WaitGroup
		for range 5 {
			in := newInstance(store)
			g.Go(func() {
				if err := in.Rotate(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		if n := len(storedKeys(t, store)); n != 2 {
			t.Errorf("there are %d keys, want 2", n)
		}
	})
}

func TestRotateReportsAFailure(t *testing.T) {
	in := newInstance(memory.New())
	put(t, in.store.Provider, 0)
	mustVerify(t, in)
	in.store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
		return errors.Join(provider.ErrNotSaved, provider.ErrRefused, errDown)
	}
	if err := in.Rotate(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
	mustSign(t, in)
}
