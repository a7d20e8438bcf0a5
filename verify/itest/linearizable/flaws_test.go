package linearizable_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

const keepsData = "Save keeps the caller's Data"

// flaws are what providers must not do.
var flaws = []variant{
	{"Save reads, compares and then writes", onSave(func(s *saving) error {
		if s.expect < 0 || s.expect != s.stored() {
			return s.save()
		}
		dawdle()
		return s.saveOver(-1)
	})},
	{"Save with a version writes over any", onSave(func(s *saving) error {
		if s.expect > 0 {
			return s.saveOver(-1)
		}
		return s.save()
	})},
	{"Save compares versions as float64", onSave(func(s *saving) error {
		if stored := s.stored(); s.expect > 0 && stored > 0 && float64(s.expect) == float64(stored) {
			return s.saveOver(stored)
		}
		return s.save()
	})},
	{"Save with a version creates a record that was deleted", onSave(func(s *saving) error {
		if s.expect > 0 && s.stored() == 0 {
			return s.saveOver(0)
		}
		return s.save()
	})},
	{"Save with version 0 writes over a record", onSave(func(s *saving) error {
		if s.expect == 0 {
			return s.saveOver(-1)
		}
		return s.save()
	})},
	{"Save without a version writes over none", onSave(func(s *saving) error {
		if s.expect < 0 {
			return s.saveOver(0)
		}
		return s.save()
	})},
	{"Save of an expired record does nothing", onSave(func(s *saving) error {
		if s.rec.Expired(time.Now()) {
			return nil
		}
		return s.save()
	})},
	{"Save reports a conflict and has landed", onSave(func(s *saving) error {
		if err := s.save(); err != nil || !sometimes() {
			return err
		}
		return provider.ErrVersionConflict
	})},
	{"Save reports a conflict when cancelled and has landed", onSave(func(s *saving) error {
		err := s.save()
		dawdle()
		if err == nil && s.ctx.Err() != nil {
			return provider.ErrVersionConflict
		}
		return err
	})},
	{"Save reports a conflict and lands later", onSave(func(s *saving) error {
		err := s.save()
		if errors.Is(err, provider.ErrVersionConflict) && sometimes() {
			s.later(-1)
		}
		return err
	})},
	{"Save reports success and lands later", onSave(func(s *saving) error {
		if s.expect < 0 {
			s.later(-1)
			return nil
		}
		return s.save()
	})},
	{"Save reports success and is lost", onSave(func(s *saving) error {
		if sometimes() {
			return nil
		}
		return s.save()
	})},
	{"Save reports success for a conflict", onSave(func(s *saving) error {
		if err := s.save(); !errors.Is(err, provider.ErrVersionConflict) || !sometimes() {
			return err
		}
		return nil
	})},
	{"Save is sent again when it has landed", onSave(func(s *saving) error {
		if err := s.save(); err != nil || !sometimes() {
			return err
		}
		dawdle()
		return s.save()
	})},
	{"Save does not know its earlier attempt", onSave(func(s *saving) error {
		if stored := s.stored(); s.expect >= 0 && s.expect != stored && s.rec.Version == stored {
			return provider.ErrVersionConflict
		}
		return s.save()
	})},
	{keepsData, func(store *storetest.Store) {
		var kept sync.Map // by version
		onSave(func(s *saving) error {
			kept.Store(s.rec.Version, s.rec.Data)
			return s.save()
		})(store)
		onFetch(func(_ string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
			rec, err := fetch()
			if err == nil {
				data, _ := kept.Load(rec.Version)
				rec.Data = data.([]byte)
			}
			return rec, err
		})(store)
	}},
	{"a conflict tells of no record where there is one", onSave(func(s *saving) error {
		if err := s.save(); !errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
		return &provider.ConflictError{}
	})},
	{"a conflict tells of a record that was there before", func(store *storetest.Store) {
		var last sync.Map // by ID
		onSave(func(s *saving) error {
			err := s.save()
			if conflict, ok := errors.AsType[*provider.ConflictError](err); ok && conflict.Current != nil {
				if old, ok := last.Swap(s.rec.ID, conflict.Current.Clone()); ok {
					return &provider.ConflictError{Current: old.(*provider.Record)}
				}
			}
			return err
		})(store)
	}},
	{"Fetch has a cache", func(store *storetest.Store) {
		var cache sync.Map // by ID
		onFetch(func(id string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
			if rec, ok := cache.Load(id); ok && sometimes() {
				return rec.(*provider.Record).Clone(), nil
			}
			rec, err := fetch()
			if err == nil {
				cache.Store(id, rec.Clone())
			}
			return rec, err
		})(store)
	}},
	{"Fetch reads from a replica that is behind", func(store *storetest.Store) {
		replica := memory.New()
		onSave(func(s *saving) error {
			err := s.save()
			if err == nil {
				(&saving{s.ctx, s.rec, -1, replica}).later(-1)
			}
			return err
		})(store)
		store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if rec, err := next(ctx, id); err != nil {
				return rec, err
			}
			return replica.Fetch(ctx, id)
		}
	}},
	{"Fetch returns parts of two records", func(store *storetest.Store) {
		var last sync.Map // by ID
		onFetch(func(id string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
			rec, err := fetch()
			if err != nil {
				return nil, err
			}
			if old, ok := last.Swap(id, rec.Clone()); ok {
				rec.Data = bytes.Clone(old.(*provider.Record).Data)
			}
			return rec, nil
		})(store)
	}},
	{"Fetch does not find what is there", onFetch(func(_ string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
		if sometimes() {
			return nil, provider.ErrNotFound
		}
		return fetch()
	})},
	{"Fetch returns neither a record nor an error", onFetch(func(_ string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
		rec, err := fetch()
		if errors.Is(err, provider.ErrNotFound) {
			err = nil
		}
		return rec, err
	})},
	{"Fetch fails without need", onFetch(func(_ string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
		if sometimes() {
			return nil, errBroken
		}
		return fetch()
	})},
	{"Delete is lost", onDelete(func(remove func() error) error {
		if sometimes() {
			return nil
		}
		return remove()
	})},
	{"Delete reports success and happens later", onDelete(func(remove func() error) error {
		go func() { dawdle(); _ = remove() }()
		return nil
	})},
	{"Delete is sent again when it has landed", onDelete(func(remove func() error) error {
		if sometimes() {
			go func() { dawdle(); _ = remove() }()
		}
		return remove()
	})},
}

// faults are what may happen.
var faults = []variant{
	{"Save reports an error and has landed", onSave(func(s *saving) error {
		if err := s.save(); err != nil || !sometimes() {
			return err
		}
		return errBroken
	})},
	{"Save reports an error and lands later", onSave(func(s *saving) error {
		if sometimes() {
			s.later(s.expect)
			return errBroken
		}
		return s.save()
	})},
	{"Save reports an error and is lost", onSave(func(s *saving) error {
		if sometimes() {
			return errBroken
		}
		return s.save()
	})},
	{"a conflict does not tell what is there", onSave(func(s *saving) error {
		if err := s.save(); !errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
		return provider.ErrVersionConflict
	})},
	{"Fetch fails", onFetch(func(_ string, fetch func() (*provider.Record, error)) (*provider.Record, error) {
		if sometimes() {
			return nil, errBroken
		}
		return fetch()
	})},
	{"Delete reports an error and happens later", onDelete(func(remove func() error) error {
		if sometimes() {
			go func() { dawdle(); _ = remove() }()
			return errBroken
		}
		return remove()
	})},
}
