package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// between is a database in which something happens once, after the first write and
// before the read that tells why that has changed nothing.
type between struct {
	postgres.DB
	happens func()
}

func (b between) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := b.DB.Exec(ctx, sql, args...)
	b.happens()
	return tag, err
}

// A Save answers as one single step would, whatever happens between its two.
func TestBetweenWriteAndRead(t *testing.T) {
	p, pool, table := store(t)
	remove := func(t *testing.T, rec *provider.Record) {
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	}
	expire := func(t *testing.T, rec *provider.Record) {
		run(t, pool, "UPDATE "+table+" SET expires_at = clock_timestamp() WHERE id = $1", rec.ID)
	}
	put := func(version int64) func(*testing.T, *provider.Record) {
		return func(t *testing.T, rec *provider.Record) {
			storetest.Save(t, p, storetest.WithVersion(rec, version), -1, nil)
		}
	}
	const landed = -1
	for name, c := range map[string]struct {
		stored  int64 // version 0: none
		expect  int64
		happens func(*testing.T, *provider.Record)
		current int64 // in the conflict
	}{
		"deleted, and so can be created":             {stored: 1, expect: 0, happens: remove, current: landed},
		"expired, and so can be created":             {stored: 1, expect: 0, happens: expire, current: landed},
		"stored, and so can be updated":              {stored: 0, expect: 7, happens: put(7), current: landed},
		"replaced, and so can be updated":            {stored: 1, expect: 7, happens: put(7), current: landed},
		"an earlier attempt lands":                   {stored: 1, expect: 7, happens: put(42), current: landed},
		"an earlier attempt to create lands":         {stored: 1, expect: 0, happens: put(42), current: landed},
		"an earlier attempt is replaced":             {stored: 42, expect: 7, happens: put(9), current: 9},
		"replaced, and in the way of an update":      {stored: 1, expect: 7, happens: put(9), current: 9},
		"replaced, and in the way of a create":       {stored: 1, expect: 0, happens: put(9), current: 9},
		"stored, and in the way of an update":        {stored: 0, expect: 7, happens: put(9), current: 9},
		"deleted, and missing for an update":         {stored: 1, expect: 7, happens: remove, current: 0},
		"expired, and missing for an update":         {stored: 1, expect: 7, happens: expire, current: 0},
		"an earlier attempt is deleted":              {stored: 42, expect: 7, happens: remove, current: 0},
		"an earlier attempt is deleted, to be again": {stored: 42, expect: 0, happens: remove, current: landed},
	} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.WithVersion(storetest.NewRecord(), 42)
			if c.stored != 0 {
				storetest.Save(t, p, storetest.WithVersion(rec, c.stored), 0, nil)
			}
			var once sync.Once
			db := between{pool, func() { once.Do(func() { c.happens(t, rec) }) }}
			err := postgres.New(db, postgres.Table(table)).Save(t.Context(), rec, c.expect)
			if c.current == landed {
				if err != nil {
					t.Fatal(err)
				}
				storetest.WantRecord(t, p, rec)
				return
			}
			conflict, ok := errors.AsType[*provider.ConflictError](err)
			switch {
			case !ok:
				t.Errorf("got %#v, want a ConflictError", err)
			case c.current == 0 && conflict.Current != nil:
				t.Errorf("the conflict is with version %d, want no record", conflict.Current.Version)
			case c.current != 0 && (conflict.Current == nil || conflict.Current.Version != c.current):
				t.Errorf("the conflict is with %+v, want version %d", conflict.Current, c.current)
			}
		})
	}
}
