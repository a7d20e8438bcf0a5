package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// tellsNothing wants an error to have the package's prefix, and neither ID nor
// data, in its chain neither.
func tellsNothing(tb testing.TB, err error, rec *provider.Record) {
	tb.Helper()
	if err == nil {
		tb.Error("got no error")
		return
	}
	if !strings.HasPrefix(err.Error(), "postgres: ") {
		tb.Errorf("the error %q does not begin with the package's name", err)
	}
	text := fmt.Sprintf("%+v", err)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		text += fmt.Sprintf("%+v", *pg)
	}
	for _, secret := range []string{rec.ID, string(rec.Data), fmt.Sprintf("%x", rec.Data)} {
		if strings.Contains(text, secret) {
			tb.Errorf("the error %q tells %q", text, secret)
		}
	}
}

// each calls every verb.
func each(t *testing.T, p *postgres.Provider, rec *provider.Record, check func(t *testing.T, err error)) {
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
	for name, table := range map[string]string{"table": newName(), "schema": newName() + ".sessions"} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			each(t, postgres.New(open(t, config(t)), postgres.Table(table)), rec, func(t *testing.T, err error) {
				tellsNothing(t, err, rec)
				if err == nil || !strings.Contains(err.Error(), "CreateTable") {
					t.Errorf("the error %q does not name CreateTable", err)
				}
			})
		})
	}
}

// Whatever is wrong about the table: an error says so, and quotes nothing.
func TestWrongTableSaysHowToCreateIt(t *testing.T) {
	const rest = ", version bigint NOT NULL, expires_at timestamptz, format text NOT NULL, data bytea NOT NULL)"
	for name, columns := range map[string]string{
		"no column":        "(id text PRIMARY KEY, version bigint)",
		"no key":           "(id text" + rest,
		"ID is a number":   "(id bigint PRIMARY KEY" + rest,
		"ID is binary":     "(id bytea PRIMARY KEY" + rest,
		"ID is a UUID":     "(id uuid PRIMARY KEY" + rest,
		"data are JSON":    "(id text PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz, format text NOT NULL, data jsonb)",
		"time is a number": "(id text PRIMARY KEY, version bigint NOT NULL, expires_at bigint, format text NOT NULL, data bytea)",
		"version is text":  "(id text PRIMARY KEY, version text NOT NULL, expires_at timestamptz, format text NOT NULL, data bytea)",
	} {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
			t.Run(name+", "+mode.String(), func(t *testing.T) {
				cfg := config(t)
				cfg.ConnConfig.DefaultQueryExecMode = mode
				pool, table := open(t, cfg), newName()
				run(t, pool, "CREATE TABLE "+table+columns)
				t.Cleanup(func() { run(t, pool, "DROP TABLE "+table) })
				p := postgres.New(pool, postgres.Table(table))

				rec := storetest.NewRecord()
				err := p.Save(t.Context(), rec, 0)
				if err == nil { // a text column takes a number
					err = p.Save(t.Context(), storetest.Next(rec), rec.Version)
				}
				tellsNothing(t, err, rec)
				if !strings.Contains(fmt.Sprint(err), "CreateTable") {
					t.Errorf("the error %q does not name CreateTable", err)
				}
				if err := p.CreateTable(t.Context()); err == nil {
					t.Error("CreateTable: got no error")
				}
			})
		}
	}
}

// A trigger may choose its code, and quote what it likes.
func TestMessageOfATriggerIsNotQuoted(t *testing.T) {
	p, pool, table := store(t)
	run(t, pool, fmt.Sprintf(`
		CREATE FUNCTION %[1]s_tells() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no, not %%', NEW.id USING ERRCODE = NEW.format; END $$;
		CREATE TRIGGER tells BEFORE INSERT ON %[1]s FOR EACH ROW EXECUTE FUNCTION %[1]s_tells()`, table))
	t.Cleanup(func() { run(t, pool, fmt.Sprintf("DROP FUNCTION %s_tells CASCADE", table)) })
	for _, code := range []string{"P0001", "45000", "22023", "23514", "44000", "21000", "38000", "XX000", "HF000"} {
		t.Run(code, func(t *testing.T) {
			rec := storetest.NewRecord()
			rec.Format = code
			for _, expectVersion := range []int64{0, -1} {
				err := p.Save(t.Context(), rec, expectVersion)
				tellsNothing(t, err, rec)
				if !strings.Contains(fmt.Sprint(err), code) {
					t.Errorf("the error %q does not tell the code", err)
				}
			}
		})
	}
}

// pgx reads bytea_output = hex only.
func TestUnreadableTextIsNotQuoted(t *testing.T) {
	cfg := config(t)
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.ConnConfig.RuntimeParams["bytea_output"] = "escape"
	p := postgres.New(open(t, cfg), postgres.Table(newTable(t)))
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	_, err := p.Fetch(t.Context(), rec.ID)
	tellsNothing(t, err, rec)
	tellsNothing(t, p.Save(t.Context(), storetest.Next(rec), 0), rec)
}

func TestUnprivilegedRoleIsTold(t *testing.T) {
	p, admin, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	role := newName()
	run(t, admin, "CREATE ROLE "+role)
	t.Cleanup(func() { run(t, admin, "DROP OWNED BY "+role); run(t, admin, "DROP ROLE "+role) })
	cfg := config(t)
	cfg.ConnConfig.RuntimeParams["role"] = role
	p = postgres.New(open(t, cfg), postgres.Table(table))
	each(t, p, rec, func(t *testing.T, err error) {
		tellsNothing(t, err, rec)
		if !strings.Contains(fmt.Sprint(err), "SELECT, INSERT, UPDATE and DELETE") {
			t.Errorf("the error %q does not say what the role needs", err)
		}
	})

	run(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+table+" TO "+role)
	each(t, p, rec, func(t *testing.T, err error) {
		if err != nil && !errors.Is(err, provider.ErrVersionConflict) && !errors.Is(err, provider.ErrNotFound) {
			t.Errorf("with the privileges: got error %v", err)
		}
	})
	if err := p.CreateTable(t.Context()); err != nil {
		t.Errorf("CreateTable: got error %v, want none, as there is nothing to create", err)
	}
}

func TestReadOnlyServerIsTold(t *testing.T) {
	rec := storetest.NewRecord()
	cfg := config(t)
	cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	p := postgres.New(open(t, cfg), postgres.Table(newTable(t)))
	storetest.WantNoRecord(t, p, rec.ID)
	for _, expectVersion := range []int64{0, 1, -1} {
		err := p.Save(t.Context(), storetest.Next(rec), expectVersion)
		tellsNothing(t, err, rec)
		if !strings.Contains(fmt.Sprint(err), "target_session_attrs=read-write") {
			t.Errorf("the error %q does not say how to find the primary", err)
		}
	}
}

func TestUnreachableServerIsNotAConflict(t *testing.T) {
	server := testserver.Postgres(t, "fsync=off")
	cfg := parse(t, strings.Replace(server.URL, "postgres@", "postgres:hunter2@", 1))
	pool := open(t, cfg)
	p := postgres.New(pool)
	if err := p.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	server.Kill()
	for range 3 { // the connection that was open, and new ones
		each(t, p, storetest.Next(rec), func(t *testing.T, err error) {
			tellsNothing(t, err, rec)
			for _, wrong := range []error{provider.ErrVersionConflict, provider.ErrNotFound, provider.ErrFull} {
				if errors.Is(err, wrong) {
					t.Errorf("got error %v", err)
				}
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("the error %q tells the password", err)
			}
		})
	}
	server.Restart()
	storetest.Eventually(t, "working again", func() bool { return p.Save(t.Context(), rec, -1) == nil })
	storetest.WantRecord(t, p, rec)
}

// failing is a database that has run into an error that a test cannot bring about.
type failing struct {
	postgres.DB
	code string
}

func (f failing) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, &pgconn.PgError{Severity: "ERROR", Code: f.code, Message: "test"}
}

func (f failing) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	_, err := f.Exec(ctx, sql, args...)
	return failedRow{err}
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

func TestErrorCodes(t *testing.T) {
	for code, want := range map[string]error{
		"53100": provider.ErrFull,     // disk_full
		"53200": provider.ErrFull,     // out_of_memory
		"54000": provider.ErrTooLarge, // program_limit_exceeded
		"22001": provider.ErrTooLarge, // string_data_right_truncation
	} {
		if err := postgres.New(failing{code: code}).Save(t.Context(), storetest.NewRecord(), -1); !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", code, err, want)
		}
	}
}

// Nothing is sent of what is too large; here, there is nobody to send it to.
func TestTooLarge(t *testing.T) {
	rec := storetest.NewRecord()
	rec.Data = make([]byte, 256<<20+1)
	p := postgres.New(nil)
	for _, expectVersion := range []int64{0, 1, -1} {
		storetest.Save(t, p, rec, expectVersion, provider.ErrTooLarge)
	}
}

// What is just not too large is for the server to take.
func TestLargestDataAreSent(t *testing.T) {
	rec := storetest.NewRecord()
	rec.Data = make([]byte, 256<<20)
	sent := errors.New("sent")
	storetest.Save(t, postgres.New(replying{exec: sent}), rec, -1, sent)
}
