package opensqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

const patience = time.Minute

func open(tb testing.TB, name string, opts ...opensqlite.Option) *opensqlite.Provider {
	tb.Helper()
	p, err := opensqlite.Open(name, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

func newPath(tb testing.TB) string { return filepath.Join(tb.TempDir(), "test.db") }

func put(tb testing.TB, p provider.Provider, id string) {
	tb.Helper()
	if err := p.Save(tb.Context(), &provider.Record{ID: id, Version: 1}, 0); err != nil {
		tb.Fatal(err)
	}
}

func has(tb testing.TB, p provider.Provider, id string) bool {
	tb.Helper()
	_, err := p.Fetch(tb.Context(), id)
	return err == nil
}

func TestContract(t *testing.T) {
	for _, mode := range []opensqlite.Mode{opensqlite.Full, opensqlite.Normal} {
		t.Run(mode.String(), func(t *testing.T) {
			p := open(t, newPath(t), opensqlite.Synchronous(mode))
			providertest.Run(t, func(*testing.T) provider.Provider { return p })
		})
	}
}

// All names lead to the same file and table, which stay.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	path := filepath.Join(dir, "a b%20?#.db")
	first := open(t, path)
	put(t, first, "x")
	escaped := "a%20b%2520%3F%23.db"
	for _, name := range []string{
		"a b%20?#.db", "sqlite:" + escaped, "SQLite:" + escaped, "sqlite:" + dir + "/" + escaped, "sqlite://" + dir + "/" + escaped,
		"sqlite:" + escaped + "?table=holdfast_sessions&synchronous=FULL",
	} {
		if !has(t, open(t, name), "x") {
			t.Errorf("%s: the record is not there", name)
		}
	}
	if has(t, open(t, "sqlite:"+escaped+"?table=another"), "x") {
		t.Error("another table has the record")
	}
	if has(t, open(t, path, opensqlite.Table("another")), "x") {
		t.Error("the option Table has no effect")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if !has(t, open(t, path), "x") {
		t.Error("after Close, the record is not there")
	}
}

// A relative path is that of the moment of Open.
func TestRelativePathStays(t *testing.T) {
	t.Chdir(t.TempDir())
	p := open(t, "test.db")
	t.Chdir(t.TempDir())
	put(t, p, "x")
	if _, err := os.Stat("test.db"); err == nil {
		t.Error("another file was made")
	}
}

func TestInvalidNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"", "sqlite:", "sqlite://", "sqlite:///", "dir/", "a\x00b", ":memory:", "sqlite::memory:", "file:secret.db", "sqlite:%zz",
		"sqlite://secret/x.db", "sqlite://user:secret@/x.db", "sqlite:secret.db#x", "sqlite:secret.db?x=y", "sqlite:secret.db?%zz",
		"sqlite:secret.db?table=", "sqlite:secret.db?table=%ff", "sqlite:secret.db?table=a%00", "sqlite:secret.db?table=SQLite_a",
		"sqlite:secret.db?synchronous=off", "sqlite:secret.db?synchronous=", "sqlite:secret.db?table=a&table=b",
	} {
		p, err := opensqlite.Open(name)
		if err == nil || p != nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "sqlite:shop.db") {
			t.Errorf("%q: got error %v", name, err)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("files were made: %v, %v", entries, err)
	}
}

func TestInvalidFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("a text "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                             "is a directory",
		filepath.Join(dir, "none", "x"): "create it first",
		filepath.Join(text, "x"):        "text/x",
		os.DevNull:                      "not a regular file",
		text:                            "not an SQLite database",
	} {
		p, err := opensqlite.Open(path)
		if p != nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got error %v, want one that says %q", path, err, want)
		}
	}
}

// Without a table, or with the tables of another program.
func TestDatabaseOfAnotherProgram(t *testing.T) {
	path := newPath(t)
	writer, _ := open(t, path).DBs()
	execute(t, writer, "CREATE TABLE another (id TEXT)")
	execute(t, writer, "CREATE TABLE wrong (token TEXT PRIMARY KEY, data BLOB, expiry REAL)")
	if _, err := opensqlite.Open(path, opensqlite.Table("wrong")); !strings.Contains(fmt.Sprint(err), "no column") {
		t.Errorf("got error %v", err)
	}
}

func execute(tb testing.TB, db *sql.DB, query string, args ...any) {
	tb.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		tb.Fatal(err)
	}
}

func TestMustExist(t *testing.T) {
	path := newPath(t)
	if _, err := opensqlite.Open(path, opensqlite.MustExist()); !strings.Contains(fmt.Sprint(err), "there is no file") {
		t.Errorf("got error %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
	put(t, open(t, path), "x")
	if !has(t, open(t, path, opensqlite.MustExist()), "x") {
		t.Error("the record is not there")
	}
	p := open(t, path, opensqlite.MustExist(), opensqlite.Table("another"))
	if _, err := p.Fetch(t.Context(), "x"); !strings.Contains(fmt.Sprint(err), "CreateTable") {
		t.Errorf("got error %v", err)
	}
}

// The settings that a Save depends on.
func TestPragmas(t *testing.T) {
	for mode, synchronous := range map[opensqlite.Mode]int{opensqlite.Full: 2, opensqlite.Normal: 1} {
		writer, reader := open(t, newPath(t), opensqlite.Synchronous(mode)).DBs()
		for _, want := range []struct {
			db     *sql.DB
			pragma string
			value  any
		}{
			{writer, "synchronous", synchronous},
			{writer, "journal_mode", "wal"},
			{writer, "busy_timeout", 0},
			{writer, "fullfsync", 1},
			{writer, "journal_size_limit", 16 << 20},
			{reader, "busy_timeout", 0},
			{reader, "query_only", 1},
		} {
			var got any
			if err := want.db.QueryRow("PRAGMA " + want.pragma).Scan(&got); err != nil || fmt.Sprint(got) != fmt.Sprint(want.value) {
				t.Errorf("%v: %s is %v, %v; want %v", mode, want.pragma, got, err, want.value)
			}
		}
		if n := writer.Stats().MaxOpenConnections; n != 1 {
			t.Errorf("%d connections for writing, want 1", n)
		}
	}
}

// Sessions are readable for the program's user only, or for whom the file is.
func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	path := newPath(t)
	for _, mode := range []fs.FileMode{0o600, 0o640} {
		if mode != 0o600 {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		p := open(t, path)
		put(t, p, fmt.Sprint(mode))
		for _, file := range []string{path, path + "-wal"} {
			if info, err := os.Stat(file); err != nil || info.Mode() != mode {
				t.Errorf("%s: %v, %v; want %v", filepath.Base(file), info.Mode(), err, mode)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Close leaves one file behind.
func TestClose(t *testing.T) {
	path := newPath(t)
	p := open(t, path)
	put(t, p, "x")
	has(t, p, "x")
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.Fetch(t.Context(), "x"); err == nil {
		t.Error("Fetch after Close: got no error")
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

func TestPurge(t *testing.T) {
	path := newPath(t)
	p := open(t, path, opensqlite.PurgeInterval(time.Millisecond))
	if err := p.Save(t.Context(), &provider.Record{ID: "x", Version: 1, ExpiresAt: time.Now()}, 0); err != nil {
		t.Fatal(err)
	}
	writer, _ := p.DBs()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n := 1; n > 0; {
		if err := writer.QueryRowContext(ctx, "SELECT count(*) FROM holdfast_sessions").Scan(&n); err != nil {
			t.Fatal("not purged: ", err)
		}
	}
}

// An error of the purge goes to the Logger.
func TestLogger(t *testing.T) {
	var log buffer
	p := open(t, newPath(t), opensqlite.PurgeInterval(time.Millisecond), opensqlite.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	writer, _ := p.DBs()
	execute(t, writer, "DROP TABLE holdfast_sessions")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !strings.Contains(log.String(), "CreateTable") {
		if ctx.Err() != nil {
			t.Fatal("not logged")
		}
		time.Sleep(time.Millisecond)
	}
}

type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestInvalidTablePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Table did not panic")
		}
	}()
	opensqlite.Table("")
}
