package drivertest

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// tellsNothing wants an error to have the package's prefix, and neither ID nor data.
func tellsNothing(tb testing.TB, err error, rec *provider.Record) {
	tb.Helper()
	if err == nil {
		tb.Error("got no error")
		return
	}
	if !strings.HasPrefix(err.Error(), "sqlite: ") {
		tb.Errorf("the error %q does not begin with the package's name", err)
	}
	for _, secret := range []string{rec.ID, string(rec.Data), fmt.Sprintf("%x", rec.Data)} {
		if strings.Contains(fmt.Sprintf("%+v %#v", err, err), secret) {
			tb.Errorf("the error %q tells %q", err, secret)
		}
	}
}

func says(tb testing.TB, err error, want ...string) {
	tb.Helper()
	for _, text := range want {
		if !strings.Contains(fmt.Sprint(err), text) {
			tb.Errorf("the error %q does not say %q", err, text)
		}
	}
}

// eachCall makes every call.
func eachCall(t *testing.T, p *sqlite.Provider, rec *provider.Record, check func(t *testing.T, err error)) {
	t.Helper()
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Fetch":          func() error { _, err := p.Fetch(ctx, rec.ID); return err },
		"create":         func() error { return p.Save(ctx, rec, 0) },
		"update":         func() error { return p.Save(ctx, rec, rec.Version+1) },
		"unchecked Save": func() error { return p.Save(ctx, rec, -1) },
		"Delete":         func() error { return p.Delete(ctx, rec.ID) },
		"Purge":          func() error { _, err := p.Purge(ctx); return err },
		"List":           func() error { _, err := storetest.List(ctx, p, ""); return err },
	} {
		t.Run(name, func(t *testing.T) { check(t, call()) })
	}
}

func TestMissingTableSaysHowToCreateIt(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, _ := b.store(t)
		rec := storetest.NewRecord()
		eachCall(t, sqlite.New(db, sqlite.Table("another")), rec, func(t *testing.T, err error) {
			tellsNothing(t, err, rec)
			says(t, err, "CreateTable", `"another"`)
		})
	})
}

// Whatever is wrong about the table: an error says so, and quotes nothing.
func TestWrongTableSaysHowToCreateIt(t *testing.T) {
	const rest = ", version INTEGER NOT NULL, expires_at INTEGER NOT NULL, format TEXT NOT NULL, data BLOB NOT NULL)"
	each(t, func(t *testing.T, b backend) {
		for name, columns := range map[string]string{
			"no column":       "(id TEXT PRIMARY KEY, version INTEGER)",
			"no key":          "(id TEXT" + rest,
			"ID is a number":  "(id INTEGER PRIMARY KEY" + rest,
			"version is text": "(id TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER NOT NULL, format TEXT NOT NULL, data BLOB NOT NULL) STRICT",
			"check":           "(id TEXT CHECK (length(id) < 3)" + rest,
		} {
			t.Run(name, func(t *testing.T) {
				_, db, _ := b.store(t)
				run(t, db, "CREATE TABLE sessions"+columns)
				p := sqlite.New(db, sqlite.Table("sessions"))
				rec := storetest.NewRecord()
				rec.Data = []byte("\xff secret")
				err := p.Save(t.Context(), rec, 0)
				if err == nil { // text takes a number
					_, err = p.Fetch(t.Context(), rec.ID)
				}
				tellsNothing(t, err, rec)
				if err := p.CreateTable(t.Context()); err == nil {
					t.Error("CreateTable: got no error")
				}
				if !errors.Is(err, provider.ErrUnreadable) {
					says(t, err, "CreateTable")
				}
			})
		}
	})
}

// A row that somebody else has written may have values of any type, and is not quoted.
func TestUnreadableRow(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, _ := b.store(t)
		run(t, db, "CREATE TABLE sessions (id TEXT PRIMARY KEY, version, expires_at, format, data)")
		p := sqlite.New(db, sqlite.Table("sessions"))
		rec := storetest.NewRecord()
		for name, values := range map[string][]any{
			"version":   {rec.ID, "secret", 0, "", []byte{1}},
			"no number": {rec.ID, nil, 0, "", []byte{1}},
			"expiry":    {rec.ID, 1, "secret", "", []byte{1}},
			"format":    {rec.ID, 1, 0, []byte("secret"), []byte{1}},
			"data":      {rec.ID, 1, 0, "", "secret"},
			"no data":   {rec.ID, 1, 0, "", nil},
		} {
			t.Run(name, func(t *testing.T) {
				run(t, db, "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)", values...)
				_, err := p.Fetch(t.Context(), rec.ID)
				if !errors.Is(err, provider.ErrUnreadable) {
					t.Errorf("got error %v, want ErrUnreadable", err)
				}
				tellsNothing(t, err, &provider.Record{ID: rec.ID, Data: []byte("secret")})
				if _, err := storetest.List(t.Context(), p, ""); !errors.Is(err, provider.ErrUnreadable) {
					t.Errorf("List: got error %v, want ErrUnreadable", err)
				}
			})
		}
	})
}

// A trigger may quote what it likes.
func TestMessageOfATriggerIsNotQuoted(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		run(t, db, "CREATE TRIGGER tells BEFORE INSERT ON holdfast_sessions BEGIN SELECT RAISE(ABORT, 'no, not this one: secret'); END")
		rec := storetest.NewRecord()
		rec.Data = []byte("secret")
		for _, expectVersion := range []int64{0, -1} {
			err := p.Save(t.Context(), rec, expectVersion)
			tellsNothing(t, err, rec)
			says(t, err, "1811")
		}
	})
}

func TestReadOnlyDatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, _, path := b.store(t)
		p := sqlite.New(b.open(t, path, "query_only(1)"))
		storetest.WantNoRecord(t, p, "x")
		rec := storetest.NewRecord()
		for _, expectVersion := range []int64{0, 1, -1} {
			err := p.Save(t.Context(), rec, expectVersion)
			tellsNothing(t, err, rec)
			says(t, err, "writable")
			isOutcome(t, "Save", err, refused)
		}
	})
}

func TestNotADatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("This is a text. ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		p, _ := b.at(t, path)
		rec := storetest.NewRecord()
		eachCall(t, p, rec, func(t *testing.T, err error) {
			tellsNothing(t, err, rec)
			says(t, err, "not an SQLite database")
		})
		says(t, p.CreateTable(t.Context()), "not an SQLite database")
	})
}

func TestMissingDirectory(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _ := b.at(t, filepath.Join(t.TempDir(), "none", "test.db"))
		rec := storetest.NewRecord()
		eachCall(t, p, rec, func(t *testing.T, err error) {
			tellsNothing(t, err, rec)
			says(t, err, "directory must exist")
		})
	})
}

func TestDamagedDatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, path := b.store(t)
		run(t, db, fillSQL("printf('x%06d', i)", "0"), 2000)
		run(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
		closeAll(t, p, db)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 3 * 4096; i < len(data); i++ {
			data[i] = 0xff
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p, _ = b.at(t, path)
		_, err = storetest.List(t.Context(), p, "")
		says(t, err, "restore a backup")
		err = p.Save(t.Context(), storetest.NewRecord(), 0)
		says(t, err, "restore a backup")
		isOutcome(t, "Save", err, inDoubt)
	})
}

// closeAll closes the pool for writing, which checkpoints are made by.
func closeAll(t *testing.T, _ *sqlite.Provider, db *sql.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is full refuses the change, keeps what is there, and works once there is room.
func TestFullDatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		acked := []*provider.Record{}
		run(t, db, fmt.Sprint("PRAGMA max_page_count = ", value[int](t, db, "PRAGMA page_count")+20))
		var err error
		for err == nil {
			rec := storetest.NewRecord()
			rec.Data = make([]byte, 9000)
			if err = p.Save(t.Context(), rec, 0); err == nil {
				acked = append(acked, rec)
			}
		}
		wantFull(t, p, err, acked)
		run(t, db, "PRAGMA max_page_count = 100000")
		storetest.Save(t, p, storetest.NewRecord(), 0, nil)
	})
}

func wantFull(t *testing.T, p *sqlite.Provider, err error, acked []*provider.Record) {
	t.Helper()
	if !errors.Is(err, provider.ErrFull) {
		t.Errorf("got error %v, want ErrFull", err)
	}
	isOutcome(t, "Save", err, refused)
	tellsNothing(t, err, storetest.NewRecord())
	says(t, err, "make room")
	if len(acked) == 0 {
		t.Error("nothing was saved before")
	}
	for _, rec := range acked {
		storetest.WantRecord(t, p, rec)
	}
	larger := acked[0].Clone()
	larger.Version++
	larger.Data = make([]byte, 1<<20)
	if err := p.Save(t.Context(), larger, acked[0].Version); !errors.Is(err, provider.ErrFull) {
		t.Errorf("an update: got error %v, want ErrFull", err)
	}
	storetest.WantRecord(t, p, acked[0])
}

func TestTooLarge(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, _ := b.store(t)
		rec := storetest.NewRecord()
		rec.Data = make([]byte, 16<<20)
		storetest.Save(t, p, rec, 0, nil)
		rec.Data = make([]byte, 16<<20+1)
		for _, expectVersion := range []int64{0, 1, -1} {
			storetest.Save(t, p, rec, expectVersion, provider.ErrTooLarge)
		}
	})
}
