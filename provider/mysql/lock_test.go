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

// lock locks the row of a record in a transaction.
func lock(t *testing.T, db *sql.DB, table, id string) *sql.Tx {
	t.Helper()
	tx := begin(t, db)
	run(t, tx, "SELECT id INTO @x FROM "+table+" WHERE id = ? FOR UPDATE", []byte(id))
	return tx
}

// waiting returns the connection of a statement about a table that waits for a lock, as
// soon as there is one.
func waiting(t *testing.T, db *sql.DB, table string) (connection int64) {
	t.Helper()
	storetest.Eventually(t, "waiting for a lock", func() bool {
		if status(t, db, "Innodb_row_lock_current_waits") == 0 {
			return false
		}
		connection = query[int64](t, db, "SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command <> 'Sleep' AND info LIKE ?", "%"+table+"%")
		return connection != 0
	})
	return connection
}

// noneWaits returns when no statement waits for a lock any more.
func noneWaits(t *testing.T, db *sql.DB) {
	t.Helper()
	storetest.Eventually(t, "no longer waiting for a lock", func() bool { return status(t, db, "Innodb_row_lock_current_waits") == 0 })
}

// status returns a counter of the server. Unlike information_schema.innodb_trx it is
// never from a cache.
func status(t *testing.T, db *sql.DB, counter string) (value int64) {
	t.Helper()
	var name string
	if err := db.QueryRowContext(background(t), "SHOW GLOBAL STATUS LIKE '"+counter+"'").Scan(&name, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// The server does not notice that a caller has given up: the Save lands when the lock
// is freed. Its outcome must be in doubt, and the record tell it later.
func TestAbandonedSaveLandsLater(t *testing.T) {
	for name, expectVersion := range map[string]int64{"update": 1, "unchecked": -1} {
		t.Run(name, func(t *testing.T) {
			p, db, table := store(t)
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			late := storetest.Next(rec)
			tx := lock(t, db, table, rec.ID)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- p.Save(ctx, late, expectVersion) }()
			waiting(t, db, table)
			cancel()
			err := <-done
			isOutcome(t, "Save", err, inDoubt)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want context.Canceled", err)
			}
			storetest.WantRecord(t, p, rec) // a read does not wait
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			storetest.Eventually(t, "landed", func() bool {
				got, err := p.Fetch(t.Context(), rec.ID)
				return err == nil && got.Version == late.Version
			})
			storetest.Save(t, p, late, max(expectVersion, 0)+7, nil) // the same again is no conflict
			storetest.WantRecord(t, p, late)
		})
	}
}

// With the settings of Open, a Save that was given up waits no longer than a second, and
// so does not land after a lock that is held longer. One that is not given up goes on
// waiting.
func TestOpenLimitsWaitOfAbandonedSave(t *testing.T) {
	_, db, table := store(t)
	p := openURL(t, testserver.SharedMariaDB(t), mysqlprovider.Table(table))
	abandoned, patient := storetest.NewRecord(), storetest.NewRecord()
	for _, rec := range []*provider.Record{abandoned, patient} {
		storetest.Save(t, p, rec, 0, nil)
	}
	locks := []*sql.Tx{lock(t, db, table, abandoned.ID), lock(t, db, table, patient.ID)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Save(ctx, storetest.Next(abandoned), 1) }()
	waiting(t, db, table)
	cancel()
	isOutcome(t, "the abandoned Save", <-done, inDoubt)
	noneWaits(t, db)

	saved := make(chan error, 1)
	go func() { saved <- p.Save(context.WithoutCancel(t.Context()), storetest.Next(patient), 1) }()
	waiting(t, db, table)
	waits := status(t, db, "Innodb_row_lock_waits")
	storetest.Eventually(t, "waiting again", func() bool { return status(t, db, "Innodb_row_lock_waits") > waits })
	for _, tx := range locks {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-saved; err != nil {
		t.Errorf("the patient Save: got error %v, want none", err)
	}
	storetest.WantRecord(t, p, abandoned)
}

// A deadlock is resolved by the server, which rolls one statement back.
func TestDeadlockIsRepeated(t *testing.T) {
	p, db, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	// The statement of the provider waits for the row of a table that a trigger changes,
	// and whoever has locked that waits for the row of the record.
	run(t, db, "CREATE TABLE "+table+"_log (n INT PRIMARY KEY, version BIGINT) ENGINE=InnoDB")
	t.Cleanup(func() { run(t, db, "DROP TABLE "+table+"_log") })
	run(t, db, "INSERT INTO "+table+"_log VALUES (1, 0)")
	run(t, db, fmt.Sprintf("CREATE TRIGGER %[1]s_logs BEFORE UPDATE ON %[1]s FOR EACH ROW UPDATE %[1]s_log SET version = NEW.version WHERE n = 1", table))
	tx := begin(t, db)
	// The more rows a transaction has changed, the less likely it is the victim.
	run(t, tx, "UPDATE "+table+"_log SET version = 7 WHERE n = 1")
	for n := range 20 {
		run(t, tx, fmt.Sprintf("INSERT INTO %s_log VALUES (%d, 0)", table, n+2))
	}
	saved := make(chan error, 1)
	go func() { saved <- p.Save(context.WithoutCancel(t.Context()), storetest.Next(rec), rec.Version) }()
	waiting(t, db, table)
	run(t, tx, "SELECT id INTO @x FROM "+table+" WHERE id = ? FOR UPDATE", []byte(rec.ID))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-saved; err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if got := query[int64](t, db, "SELECT version FROM "+table+"_log WHERE n = 1"); got != 2 {
		t.Errorf("the trigger has seen version %d last, want 2", got)
	}
}

// A context that ends while the database is busy ends the call, and the pool recovers.
func TestCancelledWhileWaiting(t *testing.T) {
	p, db, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	for name, call := range map[string]func(context.Context) error{
		"Save":   func(ctx context.Context) error { return p.Save(ctx, storetest.Next(rec), rec.Version) },
		"create": func(ctx context.Context) error { return p.Save(ctx, storetest.Next(rec), 0) },
		"Delete": func(ctx context.Context) error { return p.Delete(ctx, rec.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Save(t, p, rec, -1, nil)
			tx := lock(t, db, table, rec.ID)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- call(ctx) }()
			connection := waiting(t, db, table)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want context.Canceled", err)
			}
			run(t, db, fmt.Sprint("KILL ", connection)) // or it lands
			noneWaits(t, db)
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			storetest.WantRecord(t, p, rec)
		})
	}
}

// busy returns a database whose only connection is taken.
func busy(t *testing.T) *sql.DB {
	t.Helper()
	db := open(t, config(t))
	db.SetMaxOpenConns(1)
	begin(t, db)
	return db
}

// Of two calls on one connection, one would get it too late for its answer, which would
// cost the connection.
func TestWaitForAConnectionLeavesHalfOfTheTime(t *testing.T) {
	p := mysqlprovider.New(busy(t))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	errs := make(chan error)
	for range 2 {
		go func() { errs <- p.Save(ctx, storetest.NewRecord(), 0) }()
	}
	err := <-errs
	isOutcome(t, "Save", err, refused)
	says(t, err, "SetMaxOpenConns")
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context has ended: %v; got error %v, want DeadlineExceeded before that", ctx.Err() != nil, err)
	}
	<-errs
}

func TestDeadlineWhileWaitingForConnection(t *testing.T) {
	p := mysqlprovider.New(busy(t))
	for name, call := range map[string]func(context.Context) error{
		"Fetch":       func(ctx context.Context) error { _, err := p.Fetch(ctx, "id"); return err },
		"Delete":      func(ctx context.Context) error { return p.Delete(ctx, "id") },
		"List":        func(ctx context.Context) error { _, err := storetest.List(ctx, p, ""); return err },
		"Purge":       func(ctx context.Context) error { _, err := p.Purge(ctx); return err },
		"CreateTable": p.CreateTable,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got error %v, want context.DeadlineExceeded", name, err)
		}
		cancel()
	}
}
