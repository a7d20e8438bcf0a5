package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// expired returns a record that has expired but is still in the table.
func expired(t *testing.T, p provider.Provider, expire func(id string)) *provider.Record {
	t.Helper()
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	expire(rec.ID)
	return rec
}

func TestExpiredRowIsAbsent(t *testing.T) {
	p, pool, table := store(t)
	expire := func(id string) {
		if run(t, pool, "UPDATE "+table+" SET expires_at = clock_timestamp() - interval '1 millisecond' WHERE id = $1", id) != 1 {
			t.Fatal("the row is gone")
		}
	}
	t.Run("to Fetch", func(t *testing.T) {
		storetest.WantNoRecord(t, p, expired(t, p, expire).ID)
	})
	t.Run("to an update", func(t *testing.T) {
		rec := expired(t, p, expire)
		wantAbsent(t, storetest.Save(t, p, storetest.Next(rec), rec.Version, provider.ErrVersionConflict))
		storetest.WantNoRecord(t, p, rec.ID)
	})
	t.Run("to a repeated create", func(t *testing.T) {
		rec := expired(t, p, expire)
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to a repeated update", func(t *testing.T) {
		rec := expired(t, p, expire)
		wantAbsent(t, storetest.Save(t, p, rec, rec.Version+1, provider.ErrVersionConflict))
	})
	t.Run("to a create", func(t *testing.T) {
		rec := storetest.Next(expired(t, p, expire))
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to an unchecked Save", func(t *testing.T) {
		rec := storetest.Next(expired(t, p, expire))
		storetest.Save(t, p, rec, -1, nil)
		storetest.WantRecord(t, p, rec)
	})
}

// wantAbsent wants a conflict to say that there is no record.
func wantAbsent(t *testing.T, err error) {
	t.Helper()
	if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current != nil {
		t.Errorf("got %#v, want a ConflictError without a current record", err)
	}
}

// A transaction's own time is that of its begin. It must not count after a wait
// for another's lock, whether that one has written or not.
func TestExpiryDuringWaitForLock(t *testing.T) {
	for name, lock := range map[string]string{
		"of a writer": "UPDATE %s SET format = format WHERE id = $1",
		"of a reader": "SELECT FROM %s WHERE id = $1 FOR UPDATE",
	} {
		for what, expectVersion := range map[string]int64{"update": 1, "create": 0} {
			t.Run(what+" "+name, func(t *testing.T) { expiryDuringWait(t, lock, expectVersion) })
		}
	}
}

func expiryDuringWait(t *testing.T, lock string, expectVersion int64) {
	_, pool, table := store(t)
	cfg, set := clock(t, pool)
	p := postgres.New(open(t, cfg), postgres.Table(table))
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	tx := begin(t, pool)
	run(t, tx, fmt.Sprintf(lock, table), rec.ID)

	winner := storetest.Next(rec)
	winner.ExpiresAt = rec.ExpiresAt.Add(time.Hour)
	saved := make(chan error, 1)
	go func() { saved <- p.Save(context.WithoutCancel(t.Context()), winner, expectVersion) }()
	waiting(t, pool, tx, 1)
	set(rec.ExpiresAt)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := <-saved
	if expectVersion > 0 {
		wantAbsent(t, err)
		storetest.WantNoRecord(t, p, rec.ID)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	storetest.WantRecord(t, p, winner)
}

// clock returns the configuration of a pool for which clock_timestamp is one of the
// test's own, that stands still, and what sets that.
func clock(t *testing.T, pool *pgxpool.Pool) (cfg *pgxpool.Config, set func(time.Time)) {
	t.Helper()
	schema := newName()
	run(t, pool, fmt.Sprintf(`
		CREATE SCHEMA %[1]s;
		CREATE TABLE %[1]s.clock AS SELECT clock_timestamp() AS says;
		CREATE FUNCTION %[1]s.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT says FROM %[1]s.clock'`, schema))
	t.Cleanup(func() { run(t, pool, "DROP SCHEMA "+schema+" CASCADE") })
	cfg = config(t)
	cfg.ConnConfig.RuntimeParams["search_path"] = schema + ", pg_catalog, public"
	return cfg, func(now time.Time) { run(t, pool, "UPDATE "+schema+".clock SET says = $1", now) }
}
