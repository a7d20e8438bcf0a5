package drivertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// A Save answers as one single step would, whatever another process does between its
// write and its read.
func TestBetweenWriteAndRead(t *testing.T) {
	remove := func(p provider.Provider, rec *provider.Record, t *testing.T) {
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	}
	put := func(version int64) func(provider.Provider, *provider.Record, *testing.T) {
		return func(p provider.Provider, rec *provider.Record, t *testing.T) {
			storetest.Save(t, p, storetest.WithVersion(rec, version), -1, nil)
		}
	}
	expire := func(p provider.Provider, rec *provider.Record, t *testing.T) {
		rec = storetest.WithVersion(rec, 1)
		rec.ExpiresAt = rec.ExpiresAt.AddDate(-1, 0, 0)
		storetest.Save(t, p, rec, -1, nil)
	}
	const landed = -1
	for name, c := range map[string]struct {
		stored  int64 // version 0: none
		expect  int64
		happens func(provider.Provider, *provider.Record, *testing.T)
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
			each(t, func(t *testing.T, b backend) {
				other, _, path := b.store(t)
				rec := storetest.WithVersion(storetest.NewRecord(), 42)
				if c.stored != 0 {
					storetest.Save(t, other, storetest.WithVersion(rec, c.stored), 0, nil)
				}
				var once sync.Once
				wire := tap{after: func(query string, err error) error {
					once.Do(func() { c.happens(other, rec, t) })
					return err
				}}
				err := sqlite.New(wire.open(t, b, path, writing...)).Save(t.Context(), rec, c.expect)
				if c.current == landed {
					if err != nil {
						t.Fatal(err)
					}
					storetest.WantRecord(t, other, rec)
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
		})
	}
}

// A read that fails after the write has changed nothing makes no difference to that.
func TestFailedReadAfterARefusedWrite(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, path := b.store(t)
		for _, failure := range []error{code(10), context.DeadlineExceeded, errors.New("broken")} {
			wire := tap{reads: failure}
			p := sqlite.New(db, sqlite.Reader(wire.open(t, b, path)))
			isOutcome(t, failure.Error(), p.Save(t.Context(), storetest.NewRecord(), 7), notSaved)
		}
	})
}

// A Save that has no effect must neither claim one nor try for ever.
func TestHinderedSaveIsAnError(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		run(t, db, "CREATE TRIGGER a BEFORE INSERT ON holdfast_sessions BEGIN SELECT RAISE(IGNORE); END")
		run(t, db, "CREATE TRIGGER b BEFORE UPDATE ON holdfast_sessions BEGIN SELECT RAISE(IGNORE); END")
		for name, err := range map[string]error{
			"create":    p.Save(t.Context(), storetest.NewRecord(), 0),
			"update":    p.Save(t.Context(), storetest.Next(rec), rec.Version),
			"unchecked": p.Save(t.Context(), storetest.Next(rec), -1),
		} {
			tellsNothing(t, err, rec)
			isOutcome(t, name, err, refused)
			if !strings.Contains(err.Error(), "trigger") {
				t.Errorf("%s: got error %v, want one that names triggers", name, err)
			}
		}
		storetest.WantRecord(t, p, rec)
	})
}
