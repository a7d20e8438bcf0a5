package mysql_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/testserver"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// config returns the configuration of connections to the shared server, as the package's
// documentation has it.
func config(tb testing.TB) *mysql.Config {
	tb.Helper()
	return parse(tb, testserver.SharedMariaDB(tb))
}

func parse(tb testing.TB, serverURL string) *mysql.Config {
	tb.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.ClientFoundRows, cfg.InterpolateParams = true, true
	cfg.Logger = &mysql.NopLogger{}
	cfg.Params = map[string]string{}
	return cfg
}

// open returns a database that is closed at the end of the test.
func open(tb testing.TB, cfg *mysql.Config) *sql.DB {
	tb.Helper()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(10)
	tb.Cleanup(func() { db.Close() })
	return db
}

// newTable creates a table for the test and returns its name, to be used with or
// without quotes.
func newTable(tb testing.TB) string {
	tb.Helper()
	name := newName()
	db := open(tb, config(tb))
	if err := mysqlprovider.New(db, mysqlprovider.Table(name)).CreateTable(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { run(tb, db, "DROP TABLE IF EXISTS "+name) })
	return name
}

func newName() string { return "test_" + strings.ToLower(rand.Text()) }

// store returns a provider on a table of its own, and the way to look at it.
func store(tb testing.TB) (*mysqlprovider.Provider, *sql.DB, string) {
	tb.Helper()
	table := newTable(tb)
	db := open(tb, config(tb))
	return mysqlprovider.New(db, mysqlprovider.Table(table)), db, table
}

// A runner executes SQL: a *sql.DB, *sql.Conn or *sql.Tx.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// run executes SQL beside the provider.
func run(tb testing.TB, db runner, query string, args ...any) int64 {
	tb.Helper()
	res, err := db.ExecContext(background(tb), query, args...)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	rows, err := res.RowsAffected()
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// query returns the one value of a SELECT.
func query[T any](tb testing.TB, db runner, query string, args ...any) (value T) {
	tb.Helper()
	if err := db.QueryRowContext(background(tb), query, args...).Scan(&value); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return value
}

// background returns a context that lasts through the test's cleanup.
func background(tb testing.TB) context.Context {
	return context.WithoutCancel(tb.Context())
}

// begin starts a transaction that is rolled back at the end of the test, if it is
// still open.
func begin(tb testing.TB, db *sql.DB) *sql.Tx {
	tb.Helper()
	tx, err := db.BeginTx(background(tb), nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tx.Rollback() })
	return tx
}
