package mysql_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// A Save answers as one single step would, whatever happens once after its first write
// and before the read that tells why that has changed nothing.
func TestBetweenWriteAndRead(t *testing.T) {
	p, db, table := store(t)
	remove := func(t *testing.T, rec *provider.Record) {
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	}
	expire := func(t *testing.T, rec *provider.Record) {
		run(t, db, "UPDATE "+table+" SET expires_at = 1 WHERE id = ?", []byte(rec.ID))
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
			between := hooked(t, config(t), func() { once.Do(func() { c.happens(t, rec) }) }, func(string) {})
			err := mysqlprovider.New(between, mysqlprovider.Table(table)).Save(t.Context(), rec, c.expect)
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

// An expired record is removed for a create. Another may be created between the read that
// finds it expired and the removal, or after that. It must stay.
func TestBetweenReadAndRemovalOfExpiredRecord(t *testing.T) {
	const rival = 9
	for _, at := range []string{"before the removal", "after the removal"} {
		t.Run(at, func(t *testing.T) {
			p, db, table := store(t)
			rec := storetest.WithVersion(storetest.NewRecord(), 42)
			storetest.Save(t, p, storetest.WithVersion(rec, 1), 0, nil)
			run(t, db, "UPDATE "+table+" SET expires_at = 1 WHERE id = ?", []byte(rec.ID))
			var once sync.Once
			create := func() { once.Do(func() { storetest.Save(t, p, storetest.WithVersion(rec, rival), -1, nil) }) }
			writes := 0
			write := func() {
				if writes++; writes == 2 { // the removal
					create()
				}
			}
			read := func(query string) {
				if at == "before the removal" && strings.HasPrefix(query, "SELECT version") {
					create()
				}
			}
			between := hooked(t, config(t), write, read)
			err := mysqlprovider.New(between, mysqlprovider.Table(table)).Save(t.Context(), rec, 0)
			conflict, ok := errors.AsType[*provider.ConflictError](err)
			if !ok || conflict.Current == nil || conflict.Current.Version != rival {
				t.Errorf("got error %v, want a conflict with version %d", err, rival)
			}
		})
	}
}

// A record that is created anew between the read of Purge and its removal stays.
func TestBetweenReadAndRemovalOfPurge(t *testing.T) {
	p, db, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	run(t, db, "UPDATE "+table+" SET expires_at = 1")
	between := hooked(t, config(t), func() {}, func(query string) {
		if strings.Contains(query, "id <= ") {
			storetest.Save(t, p, rec, 0, nil)
		}
	})
	purge(t, mysqlprovider.New(between, mysqlprovider.Table(table)), 0)
	storetest.WantRecord(t, p, rec)
}
