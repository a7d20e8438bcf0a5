package drivertest

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

const nowSQL = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"

func TestExpiredRowIsAbsent(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		// expired returns a record that has expired but is still in the table.
		expired := func(t *testing.T) *provider.Record {
			t.Helper()
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			if run(t, db, "UPDATE holdfast_sessions SET expires_at = "+nowSQL+" - 1 WHERE id = ?", rec.ID) != 1 {
				t.Fatal("the row is gone")
			}
			return rec
		}
		t.Run("to Fetch", func(t *testing.T) { storetest.WantNoRecord(t, p, expired(t).ID) })
		t.Run("to List", func(t *testing.T) {
			rec := expired(t)
			lists(t, p, rec.ID)
		})
		t.Run("to an update", func(t *testing.T) {
			rec := expired(t)
			wantAbsent(t, storetest.Save(t, p, storetest.Next(rec), rec.Version, provider.ErrVersionConflict))
			storetest.WantNoRecord(t, p, rec.ID)
		})
		t.Run("to a repeated create", func(t *testing.T) {
			rec := expired(t)
			storetest.Save(t, p, rec, 0, nil)
			storetest.WantRecord(t, p, rec)
		})
		t.Run("to a repeated update", func(t *testing.T) {
			rec := expired(t)
			wantAbsent(t, storetest.Save(t, p, rec, rec.Version+1, provider.ErrVersionConflict))
		})
		t.Run("to a create", func(t *testing.T) {
			rec := storetest.Next(expired(t))
			storetest.Save(t, p, rec, 0, nil)
			storetest.WantRecord(t, p, rec)
		})
		t.Run("to an unchecked Save", func(t *testing.T) {
			rec := storetest.Next(expired(t))
			storetest.Save(t, p, rec, -1, nil)
			storetest.WantRecord(t, p, rec)
		})
	})
}

// wantAbsent wants a conflict to say that there is no record.
func wantAbsent(t *testing.T, err error) {
	t.Helper()
	if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current != nil {
		t.Errorf("got %#v, want a ConflictError without a current record", err)
	}
}

// A record is absent from the millisecond of its expiry on: the statements compare with >,
// and round to the nearest millisecond what SQLite returns as a floating-point number.
func TestExpiryToTheMillisecond(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		beside, db, path := b.store(t)
		var wire tap
		p := sqlite.New(wire.open(t, b, path, writing...))
		rec := storetest.NewRecord()
		storetest.Save(t, beside, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
		lists(t, p, "", rec.ID)
		storetest.Save(t, p, storetest.Next(rec), 7, provider.ErrVersionConflict)
		storetest.Save(t, p, storetest.Next(rec), 0, provider.ErrVersionConflict)
		for _, query := range wire.statements("unixepoch") {
			isCreate := strings.Contains(query, "INSERT")
			for at, alive := range map[string]bool{"1700000000.499": true, "1700000000.5": false, "1700000000.50049999": false, "1700000000.4999999": false} {
				run(t, db, "UPDATE holdfast_sessions SET version = 1, expires_at = 1700000000500")
				frozen := strings.ReplaceAll(query, "unixepoch('subsec')", at)
				if found := b.affects(t, db, frozen, rec); found != (alive != isCreate) {
					t.Errorf("at %s s it is taken for alive: %t, by %s", at, !alive, frozen)
				}
			}
		}
	})
}

// affects reports whether a statement of a Provider finds or changes a record of version 1.
func (b backend) affects(t *testing.T, db *sql.DB, query string, rec *provider.Record) bool {
	t.Helper()
	switch {
	case strings.Contains(query, "LIMIT"):
		return value[int](t, db, "SELECT count(*) FROM ("+query+")", "", "\U0010ffff", "", 1) > 0
	case strings.HasPrefix(query, "\nSELECT"):
		return value[int](t, db, "SELECT count(*) FROM ("+query+")", rec.ID) > 0
	case strings.Contains(query, "?6"):
		return run(t, db, query, rec.ID, 2, 0, "", []byte{}, 1) > 0
	default:
		return run(t, db, query, rec.ID, 2, 0, "", []byte{}) > 0
	}
}

// A record that expires while a Save waits for another writer has expired for that Save,
// whether package sqlite waits or SQLite itself.
func TestExpiryDuringWaitForLock(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, pragmas := range map[string][]string{"of the package": nil, "of SQLite": {"busy_timeout(60000)"}} {
			for what, expectVersion := range map[string]int64{"update": 1, "create": 0} {
				t.Run(what+", wait "+name, func(t *testing.T) { b.testExpiryDuringWait(t, pragmas, expectVersion) })
			}
		}
	})
}

func (b backend) testExpiryDuringWait(t *testing.T, pragmas []string, expectVersion int64) {
	beside, db, path := b.store(t)
	var wire tap
	p := sqlite.New(wire.open(t, b, path, append(pragmas, writing...)...))
	rec := storetest.NewRecord()
	storetest.Save(t, beside, rec, 0, nil)
	writer := lock(t, db)
	soon := time.Now().Add(100 * time.Millisecond).Truncate(time.Millisecond)
	writer.exec("UPDATE holdfast_sessions SET expires_at = ?", soon.UnixMilli())

	winner := storetest.Next(rec)
	saved := make(chan error, 1)
	go func() { saved <- p.Save(background(t), winner, expectVersion) }()
	storetest.Eventually(t, "begun", func() bool { return len(wire.statements("holdfast_sessions")) > 0 })
	storetest.Eventually(t, "expired", func() bool { return time.Now().After(soon) })
	writer.commit()
	err := <-saved
	if expectVersion > 0 {
		wantAbsent(t, err)
		storetest.WantNoRecord(t, beside, rec.ID)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	storetest.WantRecord(t, beside, winner)
}
