package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// A conflict tells the record that has won, also if that has landed while the
// loser waited for it: the snapshot from before would show the loser's own base.
func TestConflictAfterWaitHasTheWinner(t *testing.T) {
	p, pool, table := store(t)
	for name, change := range map[string]string{
		"replaced": "UPDATE %s SET version = 1000, data = 'winner' WHERE id = $1",
		"deleted":  "DELETE FROM %s WHERE id = $1",
	} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			tx := begin(t, pool)
			run(t, tx, fmt.Sprintf(change, table), rec.ID)
			saved := make(chan error, 1)
			go func() { saved <- p.Save(context.WithoutCancel(t.Context()), storetest.Next(rec), rec.Version) }()
			waiting(t, pool, tx, 1)
			if err := tx.Commit(t.Context()); err != nil {
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
	p, pool, table := store(t)
	for name, expectVersion := range map[string]int64{"update": 1, "create": 0} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			if expectVersion > 0 {
				storetest.Save(t, p, rec, 0, nil)
			}
			rec = storetest.Next(rec)
			tx := begin(t, pool)
			if err := postgres.New(tx, postgres.Table(table)).Save(t.Context(), rec, expectVersion); err != nil {
				t.Fatal(err)
			}
			saved := make(chan error, 1)
			go func() { saved <- p.Save(context.WithoutCancel(t.Context()), rec, expectVersion) }()
			waiting(t, pool, tx, 1)
			if err := tx.Commit(t.Context()); err != nil {
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
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			table := newTable(t)
			cfg := config(t)
			cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
			storetest.Contend(t, postgres.New(open(t, cfg), postgres.Table(table)))
		})
	}
}

// What fails at the commit is reported after the statement has had its effect.
func TestErrorAtCommitIsNotASuccess(t *testing.T) {
	p, pool, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	run(t, pool, fmt.Sprintf(`
		CREATE FUNCTION %[1]s_fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no, not %%', NEW.id; END $$;
		CREATE CONSTRAINT TRIGGER fails AFTER INSERT OR UPDATE ON %[1]s INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION %[1]s_fails()`, table))
	t.Cleanup(func() { run(t, pool, fmt.Sprintf("DROP FUNCTION %s_fails CASCADE", table)) })
	for _, expectVersion := range []int64{rec.Version, -1} {
		err := p.Save(t.Context(), storetest.Next(rec), expectVersion)
		if err == nil || errors.Is(err, provider.ErrVersionConflict) {
			t.Errorf("Save, expecting version %d: got error %v, want another", expectVersion, err)
		}
		tellsNothing(t, err, rec)
	}
	if err := p.Save(t.Context(), storetest.NewRecord(), 0); err == nil {
		t.Error("Save of a new record: got no error")
	}
	storetest.WantRecord(t, p, rec)
}

// A Save that has no effect must neither claim one nor try for ever.
func TestHinderedSaveIsAnError(t *testing.T) {
	p, pool, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	run(t, pool, fmt.Sprintf(`
		CREATE FUNCTION %[1]s_hinders() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER hinders BEFORE INSERT OR UPDATE ON %[1]s FOR EACH ROW EXECUTE FUNCTION %[1]s_hinders()`, table))
	t.Cleanup(func() { run(t, pool, fmt.Sprintf("DROP FUNCTION %s_hinders CASCADE", table)) })
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	for name, save := range map[string]func() error{
		"create":    func() error { return p.Save(ctx, storetest.NewRecord(), 0) },
		"update":    func() error { return p.Save(ctx, storetest.Next(rec), rec.Version) },
		"unchecked": func() error { return p.Save(ctx, storetest.Next(rec), -1) },
	} {
		t.Run(name, func(t *testing.T) {
			err := save()
			tellsNothing(t, err, rec)
			if errors.Is(err, provider.ErrVersionConflict) || !strings.Contains(fmt.Sprint(err), "trigger") {
				t.Errorf("got error %v, want one that names triggers", err)
			}
		})
	}
	storetest.WantRecord(t, p, rec)
}

// With a pool of one connection, whoever keeps it longer than a trip blocks
// all others for good.
func TestManyCallersShareOneConnection(t *testing.T) {
	cfg := config(t)
	cfg.MaxConns = 1
	storetest.Contend(t, postgres.New(open(t, cfg), postgres.Table(newTable(t))))
}

// A context that ends while the database is busy ends the call, and the pool
// recovers.
func TestCancelledWhileWaiting(t *testing.T) {
	p, pool, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	tx := begin(t, pool)
	run(t, tx, "LOCK TABLE "+table)

	for name, call := range map[string]func(context.Context) error{
		"Fetch":       func(ctx context.Context) error { _, err := p.Fetch(ctx, rec.ID); return err },
		"Save":        func(ctx context.Context) error { return p.Save(ctx, storetest.Next(rec), rec.Version) },
		"Delete":      func(ctx context.Context) error { return p.Delete(ctx, rec.ID) },
		"Purge":       func(ctx context.Context) error { _, err := p.Purge(ctx); return err },
		"CreateTable": postgres.New(busy(t), postgres.Table(table)).CreateTable,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- call(ctx) }()
			if name != "CreateTable" {
				waiting(t, pool, tx, 1)
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want context.Canceled", err)
			}
			waiting(t, pool, tx, 0) // the server has given up, too
		})
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.WantRecord(t, p, rec)
}

// busy returns a pool whose only connection is taken.
func busy(t *testing.T) *pgxpool.Pool {
	t.Helper()
	cfg := config(t)
	cfg.MaxConns = 1
	pool := open(t, cfg)
	begin(t, pool)
	return pool
}

func TestDeadlineWhileWaitingForAConnection(t *testing.T) {
	p := postgres.New(busy(t))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Fetch(ctx, "id"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want context.DeadlineExceeded", err)
	}
}

// Calls on a single connection take turns. One whose context ends does not wait
// for its own.
func TestCancelledWhileWaitingForItsTurn(t *testing.T) {
	_, pool, table := store(t)
	conn, err := pgx.ConnectConfig(t.Context(), config(t).ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(background(t)) })
	p := postgres.New(conn, postgres.Table(table))
	tx := begin(t, pool)
	run(t, tx, "LOCK TABLE "+table)

	first := make(chan error, 1)
	go func() { first <- p.Delete(context.WithoutCancel(t.Context()), "id") }()
	waiting(t, pool, tx, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	second := make(chan error, 1)
	go func() { second <- p.Delete(ctx, "id") }()
	select {
	case err := <-second:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want context.DeadlineExceeded", err)
		}
	case <-time.After(storetest.Patience):
		t.Error("still waiting for the first call")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
}
