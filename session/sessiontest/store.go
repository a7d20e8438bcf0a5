package sessiontest

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// store is the provider of a Manager that NewManager has made. It keeps its records in
// provider/memory. During Interleave, a call of one of the two requests waits for its
// turn.
//
// It is no provider.Sharer: package session then passes the context of the request to
// each call, by which the request is recognized, and bypasses no method of store.
type store struct {
	memory  atomic.Pointer[memory.Provider]
	running atomic.Pointer[interleaving] // nil: the two requests are not running
	log     *testLog                     // nil: the Config has a Logger
	timeout time.Duration                // Config.StoreTimeout
}

var _ provider.Lister = (*store)(nil)

func newStore() *store {
	s := new(store)
	s.memory.Store(memory.New())
	return s
}

// Fetch implements provider.Provider.
func (s *store) Fetch(ctx context.Context, id string) (rec *provider.Record, err error) {
	err = s.call(ctx, operation{
		id:       id,
		do:       func(ctx context.Context) error { rec, err = s.memory.Load().Fetch(ctx, id); return err },
		describe: func(err error) string { return fetched(rec, err) },
	})
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// Save implements provider.Provider.
func (s *store) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if rec == nil {
		return s.memory.Load().Save(ctx, nil, expectVersion) // refuses it
	}
	return s.call(ctx, operation{
		id:       rec.ID,
		do:       func(ctx context.Context) error { return s.memory.Load().Save(ctx, rec, expectVersion) },
		describe: func(err error) string { return saved(rec, expectVersion, err) },
	})
}

// Delete implements provider.Provider.
func (s *store) Delete(ctx context.Context, id string) error {
	return s.call(ctx, operation{
		id:       id,
		do:       func(ctx context.Context) error { return s.memory.Load().Delete(ctx, id) },
		describe: deleted,
	})
}

// List implements provider.Lister. It does not wait for a turn.
func (s *store) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return s.memory.Load().List(ctx, prefix)
}

// operation is what a storage call does.
type operation struct {
	id       string // of the record
	do       func(context.Context) error
	describe func(error) string // of do
}

// call makes a storage call. A call of a request of the running interleaving waits for
// its turn.
func (s *store) call(ctx context.Context, op operation) error {
	v := s.running.Load()
	if v == nil {
		return op.do(ctx)
	}
	r := v.requestOf(ctx)
	if r == nil {
		v.strays.Add(1)
		return op.do(ctx)
	}
	return v.call(ctx, r, op)
}

// snapshot returns all records.
func (s *store) snapshot() ([]*provider.Record, error) {
	var recs []*provider.Record
	for rec, err := range s.List(context.Background(), "") {
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// restore replaces all records by those of a snapshot.
func (s *store) restore(recs []*provider.Record) error {
	fresh := memory.New()
	for _, rec := range recs {
		if err := fresh.Save(provider.WithReserve(context.Background()), rec, -1); err != nil {
			return err
		}
	}
	s.memory.Store(fresh)
	return nil
}
