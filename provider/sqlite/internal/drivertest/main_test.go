package drivertest

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	_ "github.com/ncruces/go-sqlite3/driver"
	_ "modernc.org/sqlite"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// A backend is a driver, by the name that it registers with database/sql.
type backend string

const (
	ncruces backend = "sqlite3"
	modernc backend = "sqlite"
)

var backends = map[string]backend{"ncruces": ncruces, "modernc": modernc}

// each runs a test with every driver.
func each(t *testing.T, test func(t *testing.T, b backend)) {
	t.Helper()
	for name, b := range backends {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

// open returns a pool of connections to a file that is closed at the end of the test.
func (b backend) open(tb testing.TB, path string, pragmas ...string) *sql.DB {
	tb.Helper()
	db, err := sql.Open(string(b), dataSource(path, pragmas...))
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // to open one takes as long as many calls
	tb.Cleanup(func() { db.Close() })
	return db
}

// connections are those of a pool.
const connections = 4

// dataSource returns a name that both drivers take.
func dataSource(path string, pragmas ...string) string {
	query := url.Values{"_pragma": append([]string{"busy_timeout(0)"}, pragmas...)}
	return "file:" + (&url.URL{Opaque: path, RawQuery: query.Encode()}).String()
}

// writing are the settings of connections that write. What FULL is for, a power failure, no
// test brings about.
var writing = []string{"journal_mode(wal)", "synchronous(normal)"}

// store returns a provider on a new file, with one connection for writing and several for
// reading, and the former to look at the file.
func (b backend) store(tb testing.TB, opts ...sqlite.Option) (*sqlite.Provider, *sql.DB, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "test.db")
	p, db := b.at(tb, path, opts...)
	if err := p.CreateTable(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return p, db, path
}

// at returns a provider on a file.
func (b backend) at(tb testing.TB, path string, opts ...sqlite.Option) (*sqlite.Provider, *sql.DB) {
	tb.Helper()
	db := b.open(tb, path, writing...)
	db.SetMaxOpenConns(1)
	reader := b.open(tb, path, "query_only(1)")
	return sqlite.New(db, append([]sqlite.Option{sqlite.Reader(reader)}, opts...)...), db
}

// run executes SQL beside the provider.
func run(tb testing.TB, db *sql.DB, query string, args ...any) int64 {
	tb.Helper()
	result, err := db.ExecContext(background(tb), query, args...)
	if err != nil {
		tb.Fatal(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// value returns the one value of a SELECT.
func value[T any](tb testing.TB, db *sql.DB, query string, args ...any) (v T) {
	tb.Helper()
	if err := db.QueryRowContext(background(tb), query, args...).Scan(&v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// background returns a context that lasts through the test's cleanup.
func background(tb testing.TB) context.Context { return context.WithoutCancel(tb.Context()) }

// A writer holds the lock for writing.
type writer struct {
	tb   testing.TB
	conn *sql.Conn
}

// lock begins a transaction that is rolled back at the end of the test, if it is still
// open.
func lock(tb testing.TB, db *sql.DB) *writer {
	tb.Helper()
	conn, err := db.Conn(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	w := &writer{tb, conn}
	w.exec("BEGIN IMMEDIATE")
	tb.Cleanup(func() {
		if w.conn != nil {
			_, _ = w.conn.ExecContext(background(tb), "ROLLBACK")
			w.conn.Close()
		}
	})
	return w
}

func (w *writer) exec(query string, args ...any) {
	w.tb.Helper()
	if _, err := w.conn.ExecContext(background(w.tb), query, args...); err != nil {
		w.tb.Fatal(err)
	}
}

func (w *writer) commit() {
	w.tb.Helper()
	w.exec("COMMIT")
	w.conn.Close()
	w.conn = nil
}
