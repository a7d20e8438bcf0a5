package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// A conflict tells the record that has won, also if that has landed while the
// loser waited for it: a snapshot from before would show the loser's own base.
func TestConflictAfterWaitHasTheWinner(t *testing.T) {
	p, db, table := store(t)
	for name, change := range map[string]string{
		"replaced": "UPDATE %s SET version = 1000, data = 'winner' WHERE id = ?",
		"deleted":  "DELETE FROM %s WHERE id = ?",
	} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			tx := begin(t, db)
			run(t, tx, fmt.Sprintf(change, table), []byte(rec.ID))
			saved := make(chan error, 1)
			go func() { saved <- p.Save(context.WithoutCancel(t.Context()), storetest.Next(rec), rec.Version) }()
			waiting(t, db, table)
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			err := <-saved
			if name == "deleted" {
				wantAbsent(t, err)
				return
			}
			conflict, ok := errors.AsType[*provider.ConflictError](err)
			if !ok || conflict.Current == nil || conflict.Current.Version != 1000 || string(conflict.Current.Data) != "winner" {
				t.Errorf("got %#v, want a conflict with version 1000", err)
			}
		})
	}
}

// An earlier attempt that is still under way lands first. The second finds it, and
// must not deny it.
func TestRepeatedSaveAfterWaitHasLanded(t *testing.T) {
	p, db, table := store(t)
	for name, expectVersion := range map[string]int64{"update": 1, "create": 0} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			if expectVersion > 0 {
				storetest.Save(t, p, rec, 0, nil)
			}
			rec = storetest.Next(rec)
			tx := begin(t, db)
			run(t, tx, "REPLACE INTO "+table+" VALUES (?, ?, ?, ?, ?)", []byte(rec.ID), rec.Version, rec.ExpiresAt.UnixMilli(), rec.Format, rec.Data)
			saved := make(chan error, 1)
			go func() { saved <- p.Save(context.WithoutCancel(t.Context()), rec, expectVersion) }()
			waiting(t, db, table)
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-saved; err != nil {
				t.Errorf("got error %v, want none", err)
			}
			storetest.WantRecord(t, p, rec)
		})
	}
}

func TestContention(t *testing.T) {
	for name, setUp := range map[string]func(*mysql.Config){
		"REPEATABLE-READ":                     func(*mysql.Config) {},
		"READ-COMMITTED":                      func(cfg *mysql.Config) { cfg.Params[isolation(t)] = "'READ-COMMITTED'" },
		"SERIALIZABLE, without driver params": func(cfg *mysql.Config) { cfg.Params[isolation(t)] = "'SERIALIZABLE'"; without(cfg) },
	} {
		t.Run(name, func(t *testing.T) {
			table := newTable(t)
			cfg := config(t)
			setUp(cfg)
			storetest.Contend(t, mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table)))
		})
	}
}

func without(cfg *mysql.Config) { cfg.ClientFoundRows, cfg.InterpolateParams = false, false }

// Many create the same record, again and again, after it was deleted or has expired.
// InnoDB resolves some of the deadlocks of their duplicate keys.
func TestManyCreateTheSameRecord(t *testing.T) {
	p, db, table := store(t)
	rec := storetest.NewRecord()
	for round := range 20 {
		var mu sync.Mutex
		var winners []int64
		var wg sync.WaitGroup
		for w := range 20 {
			wg.Go(func() {
				n := storetest.WithVersion(rec, int64(1000*round+w+1))
				err := p.Save(t.Context(), n, 0)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners = append(winners, n.Version)
				} else if !errors.Is(err, provider.ErrVersionConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := p.Fetch(t.Context(), rec.ID)
		if err != nil || len(winners) != 1 || got.Version != winners[0] {
			t.Fatalf("winners %v, stored %+v, error %v", winners, got, err)
		}
		if round%2 == 0 {
			run(t, db, "UPDATE "+table+" SET expires_at = 1")
		} else if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// With a pool of one connection, whoever keeps it longer than a trip blocks
// all others for good.
func TestManyCallersShareOneConnection(t *testing.T) {
	db := open(t, config(t))
	db.SetMaxOpenConns(1)
	storetest.Contend(t, mysqlprovider.New(db, mysqlprovider.Table(newTable(t))))
}

// A trigger that fails after the row was written undoes that.
func TestErrorAfterWriteIsNotASuccess(t *testing.T) {
	p, db, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	for _, event := range []string{"INSERT", "UPDATE"} {
		run(t, db, fmt.Sprintf("CREATE TRIGGER %[1]s_%[2]s AFTER %[2]s ON %[1]s FOR EACH ROW SIGNAL SQLSTATE '45000'", table, event))
	}
	for _, expectVersion := range []int64{rec.Version, -1} {
		err := p.Save(t.Context(), storetest.Next(rec), expectVersion)
		isOutcome(t, "Save", err, refused)
		tellsNothing(t, err, rec)
	}
	created := storetest.NewRecord()
	isOutcome(t, "create", p.Save(t.Context(), created, 0), refused)
	storetest.WantNoRecord(t, p, created.ID)
	storetest.WantRecord(t, p, rec)
}
