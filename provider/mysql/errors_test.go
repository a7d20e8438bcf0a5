package mysql_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// tellsNothing wants an error to have the package's prefix, and neither ID nor
// data, in its chain neither.
func tellsNothing(tb testing.TB, err error, rec *provider.Record) {
	tb.Helper()
	if err == nil {
		tb.Error("got no error")
		return
	}
	if !strings.HasPrefix(err.Error(), "mysql: ") {
		tb.Errorf("the error %q does not begin with the package's name", err)
	}
	text := fmt.Sprintf("%+v", err)
	if reply, ok := errors.AsType[*mysql.MySQLError](err); ok {
		text += fmt.Sprintf("%+v", *reply)
	}
	for _, secret := range []string{rec.ID, string(rec.Data), fmt.Sprintf("%x", rec.Data)} {
		if strings.Contains(text, secret) {
			tb.Errorf("the error %q tells %q", text, secret)
		}
	}
}

// says wants an error to contain a text.
func says(tb testing.TB, err error, text string) {
	tb.Helper()
	if !strings.Contains(fmt.Sprint(err), text) {
		tb.Errorf("the error %q does not say %q", err, text)
	}
}

// each calls every verb.
func each(t *testing.T, p *mysqlprovider.Provider, rec *provider.Record, check func(t *testing.T, err error)) {
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
	rec := storetest.NewRecord()
	each(t, mysqlprovider.New(open(t, config(t)), mysqlprovider.Table(newName())), rec, func(t *testing.T, err error) {
		tellsNothing(t, err, rec)
		says(t, err, "CreateTable")
	})
}

func TestMissingDatabaseIsNamed(t *testing.T) {
	for name, test := range map[string]struct{ database, table string }{
		"none named":             {"", "sessions"},
		"of the connection":      {newName(), "sessions"},
		"of the table":           {"", newName() + ".sessions"},
		"of the table, another.": {newName(), newName() + ".sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := storetest.NewRecord()
			cfg := config(t)
			cfg.DBName = test.database
			p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(test.table))
			err := p.CreateTable(t.Context())
			tellsNothing(t, err, rec)
			says(t, err, "the database is missing")
			each(t, p, rec, func(t *testing.T, err error) {
				tellsNothing(t, err, rec)
				if !strings.Contains(err.Error(), "the database is missing") && !strings.Contains(err.Error(), "CreateTable") {
					t.Errorf("the error %q does not say what is missing", err)
				}
			})
		})
	}
}

// Whatever is wrong about the table: an error says so, and quotes nothing.
func TestWrongTableSaysHowToCreateIt(t *testing.T) {
	const rest = ", version BIGINT NOT NULL, expires_at BIGINT NOT NULL, format VARBINARY(255) NOT NULL, data LONGBLOB NOT NULL)"
	for name, columns := range map[string]string{
		"no column":       "(id VARBINARY(255) PRIMARY KEY, version BIGINT)",
		"ID is a number":  "(id BIGINT PRIMARY KEY" + rest,
		"ID is short":     "(id VARBINARY(5) PRIMARY KEY" + rest,
		"data are JSON":   "(id VARBINARY(255) PRIMARY KEY, version BIGINT NOT NULL, expires_at BIGINT NOT NULL, format VARBINARY(255) NOT NULL, data JSON NOT NULL)",
		"data are short":  "(id VARBINARY(255) PRIMARY KEY, version BIGINT NOT NULL, expires_at BIGINT NOT NULL, format VARBINARY(255) NOT NULL, data VARBINARY(5) NOT NULL)",
		"time is a time":  "(id VARBINARY(255) PRIMARY KEY, version BIGINT NOT NULL, expires_at DATETIME NOT NULL, format VARBINARY(255) NOT NULL, data LONGBLOB NOT NULL)",
		"version is text": "(id VARBINARY(255) PRIMARY KEY, version DATE NOT NULL, expires_at BIGINT NOT NULL, format VARBINARY(255) NOT NULL, data LONGBLOB NOT NULL)",
	} {
		for _, interpolate := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, interpolateParams %v", name, interpolate), func(t *testing.T) {
				cfg := config(t)
				cfg.InterpolateParams = interpolate
				db, table := open(t, cfg), newName()
				run(t, db, "CREATE TABLE "+table+columns)
				t.Cleanup(func() { run(t, db, "DROP TABLE "+table) })
				p := mysqlprovider.New(db, mysqlprovider.Table(table))

				for _, first := range []string{"7", "X", ""} { // the number of the error depends on it
					rec := storetest.NewRecord()
					rec.ID = first + rec.ID
					err := p.Save(t.Context(), rec, 0)
					tellsNothing(t, err, rec)
					says(t, err, "Schema")
					isOutcome(t, "Save", err, refused)
				}
				if err := p.CreateTable(t.Context()); err == nil {
					t.Error("CreateTable: got no error")
				}
			})
		}
	}
}

// A version that is no number is not quoted.
func TestUnreadableNumberIsNotQuoted(t *testing.T) {
	p, db, table := store(t)
	rec := storetest.NewRecord()
	run(t, db, "ALTER TABLE "+table+" MODIFY version VARCHAR(100)")
	run(t, db, "INSERT INTO "+table+" VALUES (?, ?, 0, '', '')", []byte(rec.ID), string(rec.Data))
	_, err := p.Fetch(t.Context(), rec.ID)
	tellsNothing(t, err, rec)
	says(t, err, "CreateTable")
	if !errors.Is(err, provider.ErrUnreadable) {
		t.Errorf("got error %v, want ErrUnreadable", err)
	}
}

// A trigger may choose its code, and quote what it likes.
func TestMessageOfTriggerIsNotQuoted(t *testing.T) {
	p, db, table := store(t)
	for _, code := range []string{"45000", "22023", "23000", "01234"} {
		t.Run(code, func(t *testing.T) {
			run(t, db, fmt.Sprintf("CREATE OR REPLACE TRIGGER %[1]s_tells BEFORE INSERT ON %[1]s FOR EACH ROW BEGIN SET @m = NEW.id; SIGNAL SQLSTATE '%[2]s' SET MESSAGE_TEXT = @m; END", table, code))
			rec := storetest.NewRecord()
			for _, expectVersion := range []int64{0, -1} {
				err := p.Save(t.Context(), rec, expectVersion)
				if code[:2] == "01" { // a warning
					continue
				}
				tellsNothing(t, err, rec)
				says(t, err, code)
			}
		})
	}
}

func TestUnprivilegedUserIsTold(t *testing.T) {
	p, admin, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	p = mysqlprovider.New(open(t, user(t, admin, "USAGE ON *.*")), mysqlprovider.Table(table))
	each(t, p, storetest.Next(rec), func(t *testing.T, err error) {
		tellsNothing(t, err, rec)
		says(t, err, "needs SELECT, INSERT, UPDATE and DELETE")
	})
	err := p.CreateTable(t.Context())
	tellsNothing(t, err, rec)
}

// The privileges that the documentation names are enough.
func TestLeastPrivileges(t *testing.T) {
	_, admin, table := store(t)
	cfg := user(t, admin, "SELECT, INSERT, UPDATE, DELETE ON "+config(t).DBName+"."+table)
	p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table))
	if err := p.CreateTable(t.Context()); err != nil {
		t.Error(err)
	}
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	storetest.Save(t, p, storetest.Next(rec), 1, nil)
	storetest.Save(t, p, storetest.Next(rec), -1, nil)
	lists(t, p, rec.ID, rec.ID)
	if err := p.Delete(t.Context(), rec.ID); err != nil {
		t.Error(err)
	}
	purge(t, p, 0)
}

const password = "hunter2"

// user creates a user with these privileges and returns how to connect as it.
func user(t *testing.T, admin *sql.DB, privileges string) *mysql.Config {
	t.Helper()
	cfg := config(t)
	return userOf(t, admin, cfg, privileges)
}

func userOf(t *testing.T, admin *sql.DB, cfg *mysql.Config, privileges string) *mysql.Config {
	t.Helper()
	name := newName()[:20]
	run(t, admin, fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s'", name, password))
	t.Cleanup(func() { run(t, admin, "DROP USER "+name) })
	run(t, admin, fmt.Sprintf("GRANT %s TO %s", privileges, name))
	cfg.User, cfg.Passwd = name, password
	return cfg
}

func TestErrorsOfDeadServerTellNothing(t *testing.T) {
	server := testserver.MariaDB(t)
	admin := open(t, parse(t, server.URL))
	cfg := userOf(t, admin, parse(t, server.URL), "ALL ON *.*")
	p := mysqlprovider.New(open(t, cfg))
	if err := p.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	server.Kill()
	for range 2 { // over connections that were open, and over none
		each(t, p, storetest.Next(rec), func(t *testing.T, err error) {
			tellsNothing(t, err, rec)
			for _, wrong := range []error{provider.ErrVersionConflict, provider.ErrNotFound, provider.ErrFull} {
				if errors.Is(err, wrong) {
					t.Errorf("got error %v", err)
				}
			}
			if strings.Contains(fmt.Sprint(err), password) {
				t.Errorf("the error %q tells the password", err)
			}
		})
	}
	server.Restart()
	storetest.Eventually(t, "working again", func() bool { return p.Save(t.Context(), rec, -1) == nil })
	storetest.WantRecord(t, p, rec)
	run(t, admin, "DO 1") // so that the cleanup finds a connection
}

func TestErrorNumbers(t *testing.T) {
	for number, want := range map[uint16]error{
		1021: provider.ErrFull,     // ER_DISK_FULL
		1041: provider.ErrFull,     // ER_OUT_OF_RESOURCES
		1114: provider.ErrFull,     // ER_RECORD_FILE_FULL
		1118: provider.ErrTooLarge, // ER_TOO_BIG_ROWSIZE
		1153: provider.ErrTooLarge, // ER_NET_PACKET_TOO_LARGE
		1406: provider.ErrTooLarge, // ER_DATA_TOO_LONG
	} {
		p := mysqlprovider.New(faulty(t, faultyDriver{exec: &mysql.MySQLError{Number: number}}))
		if err := p.Save(t.Context(), storetest.NewRecord(), -1); !errors.Is(err, want) {
			t.Errorf("%d: got error %v, want %v", number, err, want)
		}
	}
}

func TestErrorsNameTheRemedy(t *testing.T) {
	for number, remedy := range map[uint16]string{
		1040: "max_connections", 1203: "SetMaxOpenConns", 1226: "maxConns",
		1047: "connect to another",
		1193: "a parameter of the URL",
		1290: "connect to the primary", 1792: "connect to the primary", 1836: "connect to the primary",
		1153: "max_allowed_packet", 1118: "innodb_log_file_size",
		1046: "name one that exists", 1049: "name one that exists",
	} {
		rec := storetest.NewRecord()
		p := mysqlprovider.New(faulty(t, faultyDriver{exec: &mysql.MySQLError{Number: number, Message: rec.ID}}))
		says(t, p.Save(t.Context(), rec, -1), remedy)
	}
}

// The server's limit counts, as it is now: it is read again before anything is refused.
func TestLargestRecordIsThatOfTheServer(t *testing.T) {
	server := testserver.MariaDB(t, "--max-allowed-packet=1M")
	db := open(t, parse(t, server.URL))
	p := mysqlprovider.New(db)
	if err := p.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	for name, data := range map[string][]byte{
		"just not too large":         bytes.Repeat([]byte{'x'}, 1<<20-700),
		"just not too large, quoted": bytes.Repeat([]byte{'\''}, 1<<19-350),
	} {
		rec := storetest.NewRecord()
		rec.Data = data
		if err := p.Save(t.Context(), rec, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		storetest.WantRecord(t, p, rec)
	}
	for name, data := range map[string][]byte{
		"too large":         bytes.Repeat([]byte{'x'}, 1<<20),
		"too large, quoted": bytes.Repeat([]byte{'\''}, 1<<19+1),
		"far too large":     bytes.Repeat([]byte{0}, 20<<20),
	} {
		rec := storetest.NewRecord()
		rec.Data = data
		for _, expectVersion := range []int64{0, 7, -1} {
			err := p.Save(t.Context(), rec, expectVersion)
			isOutcome(t, name, err, refused)
			if !errors.Is(err, provider.ErrTooLarge) {
				t.Errorf("%s: got error %v, want ErrTooLarge", name, err)
			}
			if _, asked := errors.AsType[*mysql.MySQLError](err); asked {
				t.Errorf("%s: the server was asked: %v", name, err)
			}
			says(t, err, "max_allowed_packet")
		}
		storetest.WantNoRecord(t, p, rec.ID)
	}

	// It is raised, which new connections notice.
	run(t, db, "SET GLOBAL max_allowed_packet = 8388608")
	db.SetMaxIdleConns(0)
	large := storetest.NewRecord()
	large.Data = bytes.Repeat([]byte("x"), 2<<20)
	storetest.Save(t, p, large, 0, nil)
	storetest.WantRecord(t, p, large)
}
