package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

func TestMain(m *testing.M) { testserver.Main(m) }

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

// waiting returns when n others wait for a lock of the transaction.
func waiting(tb testing.TB, pool *pgxpool.Pool, tx pgx.Tx, n int) {
	tb.Helper()
	pid := int32(tx.Conn().PgConn().PID())
	storetest.Eventually(tb, fmt.Sprint(n, " waiting for a lock"), func() bool {
		return n == query[int](tb, pool, "SELECT count(*) FROM pg_stat_activity WHERE $1::int = ANY (pg_blocking_pids(pid))", pid)
	})
}
