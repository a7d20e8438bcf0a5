package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// expired returns a record that has expired but is still in the table.
func expired(t *testing.T, p provider.Provider, db *sql.DB, table string) *provider.Record {
	t.Helper()
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	if run(t, db, "UPDATE "+table+" SET expires_at = UNIX_TIMESTAMP(NOW(3)) * 1000 - 1 WHERE id = ?", []byte(rec.ID)) != 1 {
		t.Fatal("the row is gone")
	}
	return rec
}

func TestExpiredRowIsAbsent(t *testing.T) {
	p, db, table := store(t)
	t.Run("to Fetch", func(t *testing.T) {
		storetest.WantNoRecord(t, p, expired(t, p, db, table).ID)
	})
	t.Run("to List", func(t *testing.T) {
		lists(t, p, expired(t, p, db, table).ID)
	})
	t.Run("to an update", func(t *testing.T) {
		rec := expired(t, p, db, table)
		wantAbsent(t, storetest.Save(t, p, storetest.Next(rec), rec.Version, provider.ErrVersionConflict))
		storetest.WantNoRecord(t, p, rec.ID)
	})
	t.Run("to a repeated create", func(t *testing.T) {
		rec := expired(t, p, db, table)
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to a repeated update", func(t *testing.T) {
		rec := expired(t, p, db, table)
		wantAbsent(t, storetest.Save(t, p, rec, rec.Version+1, provider.ErrVersionConflict))
	})
	t.Run("to a create", func(t *testing.T) {
		rec := storetest.Next(expired(t, p, db, table))
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("to an unchecked Save", func(t *testing.T) {
		rec := storetest.Next(expired(t, p, db, table))
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

// The time at which a statement began must not count after a wait for a lock, whether
// the one that had it has written or not.
func TestExpiryDuringWaitForLock(t *testing.T) {
	for name, change := range map[string]string{
		"of a writer": "UPDATE %s SET format = 'x' WHERE id = ?",
		"of a reader": "SELECT id INTO @x FROM %s WHERE id = ? FOR UPDATE",
	} {
		for _, level := range []string{"REPEATABLE-READ", "READ-COMMITTED"} {
			t.Run(name+", "+level, func(t *testing.T) {
				_, db, table := store(t)
				cfg := config(t)
				cfg.Params[isolation(t)] = "'" + level + "'"
				p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table))
				rec := storetest.NewRecord()
				storetest.Save(t, p, rec, 0, nil)
				tx := begin(t, db)
				run(t, tx, fmt.Sprintf(change, table), []byte(rec.ID))
				// It expires soon, and so while the update waits, unless the machine is very slow.
				run(t, tx, "UPDATE "+table+" SET expires_at = UNIX_TIMESTAMP(SYSDATE(3)) * 1000 + 700 WHERE id = ?", []byte(rec.ID))

				winner := storetest.Next(rec)
				saved := make(chan error, 1)
				go func() { saved <- p.Save(context.WithoutCancel(t.Context()), winner, rec.Version) }()
				waiting(t, db, table)
				storetest.Eventually(t, "expired", func() bool {
					return query[bool](t, tx, "SELECT expires_at < UNIX_TIMESTAMP(SYSDATE(3)) * 1000 FROM "+table+" WHERE id = ?", []byte(rec.ID))
				})
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				wantAbsent(t, <-saved)
				storetest.WantNoRecord(t, p, rec.ID)
			})
		}
	}
}

// clock returns how to open a database whose clock stands still at a time that the caller
// chooses. With --sysdate-is-now all functions for the time use the session's variable.
func clock(t *testing.T) (at func(time.Time) *sql.DB) {
	t.Helper()
	server := testserver.MariaDB(t, "--sysdate-is-now", "--default-time-zone=-03:30")
	return func(now time.Time) *sql.DB {
		cfg := parse(t, server.URL)
		cfg.Params["timestamp"] = fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
		return open(t, cfg)
	}
}

// A record exists to the millisecond before its expiry, by the server's clock.
func TestExpiryToTheMillisecond(t *testing.T) {
	at := clock(t)
	now := time.Date(2031, 3, 30, 1, 30, 0, 456e6, time.UTC)
	rec := storetest.NewRecord()
	rec.ExpiresAt = now
	for name, c := range map[string]struct {
		ahead time.Duration
		want  bool
	}{
		"a millisecond before":      {-time.Millisecond, true},
		"a microsecond before":      {-time.Microsecond, true},
		"at its expiry":             {0, false},
		"a millisecond after":       {time.Millisecond, false},
		"a day before":              {-24 * time.Hour, true},
		"a day after":               {24 * time.Hour, false},
		"years before, before 2000": {-35 * 365 * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := mysqlprovider.New(at(now.Add(c.ahead)))
			if err := p.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			storetest.Save(t, p, rec, -1, nil)
			if !c.want {
				storetest.WantNoRecord(t, p, rec.ID)
				wantAbsent(t, storetest.Save(t, p, storetest.Next(rec), rec.Version, provider.ErrVersionConflict))
				purge(t, p, 1)
				return
			}
			storetest.WantRecord(t, p, rec)
			purge(t, p, 0)
			storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
		})
	}
}
