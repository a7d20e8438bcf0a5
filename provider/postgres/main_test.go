package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// patience bounds what should take no time.
const patience = time.Minute

// config returns the configuration of a pool on the shared server.
func config(tb testing.TB) *pgxpool.Config {
	tb.Helper()
	return parse(tb, testserver.SharedPostgres(tb))
}

func parse(tb testing.TB, url string) *pgxpool.Config {
	tb.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		tb.Fatal(err)
	}
	cfg.MaxConns = 10
	return cfg
}

// open returns a pool that is closed at the end of the test.
func open(tb testing.TB, cfg *pgxpool.Config) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.NewWithConfig(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// newTable creates a table for the test and returns its name, to be used with or
// without quotes.
func newTable(tb testing.TB) string {
	tb.Helper()
	name := newName()
	pool := open(tb, config(tb))
	if err := postgres.New(pool, postgres.Table(name)).CreateTable(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { run(tb, pool, "DROP TABLE "+name) })
	return name
}

func newName() string { return "test_" + strings.ToLower(rand.Text()) }

// store returns a provider on a table of its own, and the way to look at it.
func store(tb testing.TB) (*postgres.Provider, *pgxpool.Pool, string) {
	tb.Helper()
	table := newTable(tb)
	pool := open(tb, config(tb))
	return postgres.New(pool, postgres.Table(table)), pool, table
}

// run executes SQL beside the provider.
func run(tb testing.TB, db postgres.DB, sql string, args ...any) int64 {
	tb.Helper()
	tag, err := db.Exec(background(tb), sql, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return tag.RowsAffected()
}

// query returns the one value of a SELECT.
func query[T any](tb testing.TB, db postgres.DB, sql string, args ...any) (value T) {
	tb.Helper()
	if err := db.QueryRow(background(tb), sql, args...).Scan(&value); err != nil {
		tb.Fatal(err)
	}
	return value
}

// background returns a context that lasts through the test's cleanup.
func background(tb testing.TB) context.Context {
	return context.WithoutCancel(tb.Context())
}

// begin starts a transaction that is rolled back at the end of the test, if it is
// still open.
func begin(tb testing.TB, pool *pgxpool.Pool) pgx.Tx {
	tb.Helper()
	tx, err := pool.Begin(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tx.Rollback(background(tb)) })
	return tx
}

func record() *provider.Record {
	return &provider.Record{
		ID:        rand.Text(),
		Version:   1,
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC(),
		Format:    "test",
		Data:      []byte("secret " + rand.Text()),
	}
}

// next returns a record to be saved in the place of rec.
func next(rec *provider.Record) *provider.Record {
	n := rec.Clone()
	n.Version++
	n.Data = []byte("secret " + rand.Text())
	return n
}

// save wants a Save to end with an error that wraps want, or none.
func save(tb testing.TB, p provider.Provider, rec *provider.Record, expectVersion int64, want error) error {
	tb.Helper()
	err := p.Save(tb.Context(), rec, expectVersion)
	if !errors.Is(err, want) {
		tb.Fatalf("Save, expecting version %d: got error %v, want %v", expectVersion, err, want)
	}
	return err
}

// lacks wants no such record to be there.
func lacks(tb testing.TB, p provider.Provider, id string) {
	tb.Helper()
	if _, err := p.Fetch(tb.Context(), id); !errors.Is(err, provider.ErrNotFound) {
		tb.Errorf("Fetch: got error %v, want ErrNotFound", err)
	}
}

// holds wants the record to be there in that version.
func holds(tb testing.TB, p provider.Provider, want *provider.Record) {
	tb.Helper()
	got, err := p.Fetch(tb.Context(), want.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if got.Version != want.Version || string(got.Data) != string(want.Data) {
		tb.Errorf("Fetch: got version %d with Data %q, want %d with %q", got.Version, got.Data, want.Version, want.Data)
	}
}

// eventually polls until done.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: still not after %v", what, patience)
		}
	}
}

// waiting returns when n others wait for a lock of the transaction.
func waiting(tb testing.TB, pool *pgxpool.Pool, tx pgx.Tx, n int) {
	tb.Helper()
	pid := int32(tx.Conn().PgConn().PID())
	eventually(tb, fmt.Sprint(n, " waiting for a lock"), func() bool {
		return n == query[int](tb, pool, "SELECT count(*) FROM pg_stat_activity WHERE $1::int = ANY (pg_blocking_pids(pid))", pid)
	})
}
