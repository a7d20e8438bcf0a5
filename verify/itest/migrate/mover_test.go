package migrate_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// A mover is an instance beside which some of the records that it is asked for are moved,
// by instances that know nothing yet, some of which stop in the middle.
type mover struct {
	provider.Provider
	open  func() *migrate.Provider
	group sync.WaitGroup
	moved atomic.Int64
}

func newMover(t *testing.T, p provider.Provider, open func() *migrate.Provider) *mover {
	m := &mover{Provider: p, open: open}
	t.Cleanup(func() {
		m.group.Wait()
		if m.moved.Load() == 0 {
			t.Error("no record was moved")
		}
	})
	return m
}

func (m *mover) meanwhile(ctx context.Context, id string) {
	if rand.IntN(4) > 0 {
		return
	}
	m.group.Go(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		if rand.IntN(4) == 0 {
			m.group.Go(func() { dawdle(); cancel() })
		}
		if m.open().Move(ctx, id) == nil {
			m.moved.Add(1)
		}
	})
}

func (m *mover) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	m.meanwhile(ctx, id)
	return m.Provider.Fetch(ctx, id)
}

func (m *mover) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	m.meanwhile(ctx, rec.ID)
	return m.Provider.Save(ctx, rec, expectVersion)
}

func (m *mover) Delete(ctx context.Context, id string) error {
	m.meanwhile(ctx, id)
	return m.Provider.Delete(ctx, id)
}

func dawdle() {
	for range rand.IntN(20) {
		runtime.Gosched()
	}
}

// shaky returns a store of which each tenth call fails: before it has had an effect, after
// it, or so that its effect is later.
func shaky(t *testing.T, inner provider.Provider) provider.Provider {
	var lates sync.WaitGroup
	t.Cleanup(lates.Wait)
	call := func(ctx context.Context, do func(context.Context) error) error {
		dawdle()
		defer dawdle()
		ctx = context.WithoutCancel(ctx)
		switch rand.IntN(30) {
		case 0:
			return errBroken
		case 1:
			_ = do(ctx)
			return errBroken
		case 2:
			lates.Go(func() { dawdle(); _ = do(ctx) })
			return errBroken
		}
		return do(ctx)
	}
	return &storetest.Store{
		Provider: inner,
		OnFetch: func(ctx context.Context, id string, next storetest.FetchFunc) (rec *provider.Record, err error) {
			dawdle()
			if rand.IntN(30) == 0 {
				return nil, errBroken
			}
			return next(ctx, id)
		},
		OnSave: func(ctx context.Context, rec *provider.Record, expectVersion int64, next storetest.SaveFunc) error {
			rec = rec.Clone()
			return call(ctx, func(ctx context.Context) error { return next(ctx, rec, expectVersion) })
		},
		OnDelete: func(ctx context.Context, id string, next storetest.DeleteFunc) error {
			return call(ctx, func(ctx context.Context) error { return next(ctx, id) })
		},
	}
}
