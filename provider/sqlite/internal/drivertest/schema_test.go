package drivertest

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// Many processes may start at once, also on a file that does not exist yet.
func TestCreateTableManyTimesAtOnce(t *testing.T) {
	each(t, testCreateTableManyTimesAtOnce)
}

func testCreateTableManyTimesAtOnce(t *testing.T, b backend) {
	for range 10 {
		path := filepath.Join(t.TempDir(), "test.db")
		var wg sync.WaitGroup
		for range 8 {
			p, _ := b.at(t, path)
			wg.Go(func() {
				if err := p.CreateTable(background(t)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		p, db := b.at(t, path)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		if err := p.CreateTable(t.Context()); err != nil {
			t.Error(err)
		}
		storetest.WantRecord(t, p, rec)
		if got := value[string](t, db, "PRAGMA journal_mode"); got != "wal" {
			t.Errorf("the journal mode is %s", got)
		}
	}
}

func TestCreateTableOfAReadOnlyDatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		db := b.open(t, path, "query_only(1)")
		if err := sqlite.New(db).CreateTable(t.Context()); err != nil {
			t.Errorf("of a table that exists: got error %v", err)
		}
		says(t, sqlite.New(db, sqlite.Table("another")).CreateTable(t.Context()), "writable")
		storetest.WantNoRecord(t, p, "x")
	})
}

func TestTableAsItIsMade(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, _ := b.store(t)
		if got := value[int](t, db, "SELECT count(*) FROM pragma_index_list('holdfast_sessions')"); got != 1 {
			t.Errorf("got %d indexes, want that of the key only", got)
		}
		if !value[bool](t, db, "SELECT strict AND NOT wr FROM pragma_table_list('holdfast_sessions')") {
			t.Error("the table is not STRICT, or has no rowid")
		}
	})
}

func TestTableNamesAreQuoted(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for _, name := range []string{
			"sessions", "Sessions2", "order", "my sessions", "täble", `a"b`, `x"; DROP TABLE "sessions"; --`, "it's", "?1", "{live}", "a.b",
			strings.Repeat("x", 300), "holdfast_sessions2",
		} {
			p, db, _ := b.store(t, sqlite.Table(name))
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
			lists(t, p, "", rec.ID)
			run(t, db, `UPDATE "`+strings.ReplaceAll(name, `"`, `""`)+`" SET expires_at = 1`)
			purge(t, p, 1)
			if err := p.Delete(t.Context(), rec.ID); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

const wanted = "id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, format TEXT NOT NULL, data BLOB NOT NULL"

// CreateTable names each fault.
func TestWrongTableIsNotAccepted(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, c := range map[string]struct {
			create string
			faults []string
		}{
			"columns":               {"TABLE t (id TEXT PRIMARY KEY, version TEXT, expires_at INTEGER, data BLOB)", []string{"format TEXT", "version INTEGER"}},
			"generated column":      {"TABLE t (id TEXT PRIMARY KEY, version INTEGER AS (7), expires_at INTEGER, format TEXT, data BLOB)", []string{"version INTEGER"}},
			"no key":                {"TABLE t (" + strings.Replace(wanted, "PRIMARY KEY ", "", 1) + ")", []string{"unique index"}},
			"key of another column": {"TABLE t (" + strings.Replace(wanted, "PRIMARY KEY ", "", 1) + ", UNIQUE (format))", []string{"unique index"}},
			"key of two columns":    {"TABLE t (" + strings.Replace(wanted, "PRIMARY KEY ", "", 1) + ", PRIMARY KEY (id, version))", []string{"unique index"}},
			"key of some rows":      {"TABLE t (" + strings.Replace(wanted, "PRIMARY KEY ", "", 1) + "); CREATE UNIQUE INDEX i ON t (id) WHERE version > 0", []string{"unique index"}},
			"key of an expression":  {"TABLE t (" + strings.Replace(wanted, "PRIMARY KEY ", "", 1) + "); CREATE UNIQUE INDEX i ON t (lower(id))", []string{"unique index"}},
			"no unique key":         {"TABLE t (" + strings.Replace(wanted, "PRIMARY KEY ", "", 1) + "); CREATE INDEX i ON t (id)", []string{"unique index"}},
			"key that folds case":   {"TABLE t (" + strings.Replace(wanted, "TEXT", "TEXT COLLATE NOCASE", 1) + ")", []string{"unique index"}},
			"one column more":       {"TABLE t (" + wanted + ", owner TEXT NOT NULL)", []string{"column owner is NOT NULL"}},
			"no rowid":              {"TABLE t (" + wanted + ") WITHOUT ROWID", []string{"no rowid"}},
			"a view":                {"VIEW t AS SELECT 'x' AS id", []string{"no table"}},
			"of another program":    {"TABLE t (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)", []string{"id TEXT", "column expiry is NOT NULL"}},
		} {
			t.Run(name, func(t *testing.T) {
				_, db, _ := b.store(t)
				for statement := range strings.SplitSeq("CREATE "+c.create, ";") {
					run(t, db, statement)
				}
				err := sqlite.New(db, sqlite.Table("t")).CreateTable(t.Context())
				says(t, err, append(c.faults, "; drop it, choose another with Table, or change it to what Schema returns")...)
			})
		}
	})
}

func TestTableMayHaveMore(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, create := range map[string]string{
			"column":           "t (" + wanted + ", owner TEXT)",
			"default":          "t (" + wanted + ", owner TEXT NOT NULL DEFAULT 'nobody')",
			"generated column": "t (" + wanted + ", size INTEGER NOT NULL AS (length(data)))",
			"number":           "t (n INTEGER PRIMARY KEY NOT NULL, " + strings.Replace(wanted, "PRIMARY KEY", "UNIQUE", 1) + ")",
			"no STRICT":        "t (" + wanted + ")",
			"upper case":       "t (" + strings.ToUpper(wanted) + ")",
		} {
			t.Run(name, func(t *testing.T) {
				_, db, _ := b.store(t)
				run(t, db, "CREATE TABLE "+create)
				p := sqlite.New(db, sqlite.Table("T"))
				if err := p.CreateTable(t.Context()); err != nil {
					t.Error(err)
				}
				rec := storetest.NewRecord()
				storetest.Save(t, p, rec, 0, nil)
				storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
			})
		}
	})
}

// The database is set up in a way that works, or CreateTable says how to.
func TestSettings(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, test := range map[string]struct {
			pragmas []string
			says    string // "": CreateTable accepts it
		}{
			"full":            {[]string{"journal_mode(wal)", "synchronous(full)"}, ""},
			"extra":           {[]string{"journal_mode(wal)", "synchronous(extra)"}, ""},
			"normal":          {writing, ""},
			"synchronous off": {[]string{"journal_mode(wal)", "synchronous(off)"}, "set PRAGMA synchronous = FULL"},
			"rollback":        {[]string{"journal_mode(delete)"}, "run PRAGMA journal_mode = WAL once"},
			"no journal":      {[]string{"journal_mode(off)"}, "run PRAGMA journal_mode = WAL once"},
			"UTF-16":          {append([]string{"encoding('UTF-16le')"}, writing...), "PRAGMA encoding = 'UTF-8'"},
		} {
			t.Run(name, func(t *testing.T) {
				db := b.open(t, filepath.Join(t.TempDir(), "test.db"), test.pragmas...)
				wantAccepted(t, sqlite.New(db).CreateTable(t.Context()), test.says)
				if test.says != "" && value[int](t, db, "SELECT count(*) FROM sqlite_schema") > 0 {
					t.Error("the table was created all the same")
				}
			})
		}
	})
}

func wantAccepted(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" && err != nil || text != "" && !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("CreateTable: got error %v, want one that says %q, if any", err, text)
	}
}

func TestDatabaseInMemoryHasOneConnection(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		one := func() *sql.DB {
			db := b.open(t, ":memory:")
			db.SetMaxOpenConns(1)
			return db
		}
		wantAccepted(t, sqlite.New(one()).CreateTable(t.Context()), "")
		wantAccepted(t, sqlite.New(b.open(t, ":memory:")).CreateTable(t.Context()), "SetMaxOpenConns(1)")
		wantAccepted(t, sqlite.New(one(), sqlite.Reader(one())).CreateTable(t.Context()), "do not use Reader")
	})
}

func TestReaderOfAnotherFile(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, _ := b.store(t)
		_, other, _ := b.store(t)
		wantAccepted(t, sqlite.New(db, sqlite.Reader(other)).CreateTable(t.Context()), "Reader is another file")
	})
}

// A lock of another process keeps CreateTable waiting until its context ends.
func TestCreateTableWaits(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, other, path := b.store(t)
		p, _ := b.at(t, path, sqlite.Table("another"))
		blocker := lock(t, other)
		done := make(chan error, 1)
		go func() { done <- p.CreateTable(background(t)) }()
		select {
		case err := <-done:
			t.Errorf("did not wait: error %v", err)
		case <-time.After(50 * time.Millisecond):
			blocker.commit()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
