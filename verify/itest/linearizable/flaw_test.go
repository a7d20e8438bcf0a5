package linearizable_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/verify/itest/seeds"
)

// A variant is something that a provider does otherwise.
type variant struct {
	name  string
	apply func(*storetest.Store)
}

// provider returns a sound provider but for the variant.
func (v variant) provider() provider.Provider {
	store := &storetest.Store{Provider: memory.New()}
	v.apply(store)
	return slow{store}
}

// A provider with a flaw is caught.
func TestFlawsAreFound(t *testing.T) {
	for _, v := range flaws {
		if v.name == keepsData && race {
			continue // the detector is faster
		}
		t.Run(v.name, func(t *testing.T) {
			stats, err := check(t, 10_000, seeds.First(*seed), usual, v.provider()) // some take a hundred or two
			if err == nil {
				t.Errorf("not found in %d histories", stats.Histories)
			}
			t.Logf("found in history %d: %v", stats.Histories, err)
		})
	}
}

// A provider that does what is allowed is not blamed.
func TestFaultsAreNotFlaws(t *testing.T) {
	faulty := usual
	faulty.Faulty = true
	for _, v := range faults {
		t.Run(v.name, func(t *testing.T) {
			stats, err := check(t, 200, seeds.First(*seed), faulty, v.provider())
			if err != nil {
				t.Error(err)
			}
			if stats.Unknown == 0 {
				t.Errorf("%+v: nothing was at stake", stats)
			}
		})
	}
}

// slow is a provider whose calls let others get on before and after.
type slow struct{ provider.Provider }

func (s slow) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	dawdle()
	defer dawdle()
	return s.Provider.Fetch(ctx, id)
}

func (s slow) Save(ctx context.Context, rec *provider.Record, expect int64) error {
	dawdle()
	defer dawdle()
	return s.Provider.Save(ctx, rec, expect)
}

func (s slow) Delete(ctx context.Context, id string) error {
	dawdle()
	defer dawdle()
	return s.Provider.Delete(ctx, id)
}

func dawdle() {
	for range rand.IntN(5) {
		runtime.Gosched()
	}
}

func sometimes() bool { return rand.IntN(20) == 0 }

var errBroken = errors.New("broken connection")

// saving is a call of Save.
type saving struct {
	ctx    context.Context
	rec    *provider.Record
	expect int64
	store  provider.Provider
}

func onSave(do func(*saving) error) func(*storetest.Store) {
	return func(store *storetest.Store) {
		store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, _ storetest.SaveFunc) error {
			return do(&saving{ctx, rec, expect, store.Provider})
		}
	}
}

func (s *saving) save() error { return s.saveOver(s.expect) }

func (s *saving) saveOver(expect int64) error { return s.store.Save(s.ctx, s.rec, expect) }

// later saves when the caller has gone on.
func (s *saving) later(expect int64) {
	rec := s.rec.Clone()
	go func() {
		dawdle()
		_ = s.store.Save(context.WithoutCancel(s.ctx), rec, expect)
	}()
}

// stored returns the version that is stored, 0 for none.
func (s *saving) stored() int64 {
	rec, err := s.store.Fetch(context.WithoutCancel(s.ctx), s.rec.ID)
	if err != nil {
		return 0
	}
	return rec.Version
}

func onFetch(do func(id string, fetch func() (*provider.Record, error)) (*provider.Record, error)) func(*storetest.Store) {
	return func(store *storetest.Store) {
		store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			return do(id, func() (*provider.Record, error) { return next(ctx, id) })
		}
	}
}

func onDelete(do func(remove func() error) error) func(*storetest.Store) {
	return func(store *storetest.Store) {
		store.OnDelete = func(ctx context.Context, id string, next storetest.DeleteFunc) error {
			ctx = context.WithoutCancel(ctx)
			return do(func() error { return next(ctx, id) })
		}
	}
}
