package mysql_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

func TestCreateTableManyTimesAtOnce(t *testing.T) {
	db, table := open(t, config(t)), newName()
	t.Cleanup(func() { run(t, db, "DROP TABLE IF EXISTS "+table) })
	p := mysqlprovider.New(db, mysqlprovider.Table(table))
	for range 10 {
		errs := make([]error, 10)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = p.CreateTable(t.Context()) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		if err := p.CreateTable(t.Context()); err != nil {
			t.Error(err)
		}
		storetest.WantRecord(t, p, rec)
		run(t, db, "DROP TABLE "+table)
	}
}

// A table that cannot be created is an error, which says what is missing and not what
// has just been done.
func TestCreateTableThatCannotCreate(t *testing.T) {
	admin, database := open(t, config(t)), newName()
	run(t, admin, "CREATE DATABASE "+database)
	t.Cleanup(func() { run(t, admin, "DROP DATABASE "+database) })
	for name, test := range map[string]struct {
		privileges, says, remedy string
	}{
		"no privilege to create": {"SELECT, INSERT, UPDATE, DELETE ON " + database + ".*", "grant it CREATE", "CREATE"},
		"only one to read":       {"SELECT ON " + database + ".*", "grant it CREATE", "CREATE, INSERT"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := user(t, admin, test.privileges)
			cfg.DBName = "" // the user has no privileges there
			p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(database+".sessions"))
			err := p.CreateTable(t.Context())
			says(t, err, test.says)
			if strings.Contains(fmt.Sprint(err), "CreateTable") {
				t.Errorf("the error %q says what has just been done", err)
			}
			run(t, admin, fmt.Sprintf("GRANT %s ON %s.* TO %s", test.remedy, database, cfg.User))
			if err := p.CreateTable(t.Context()); err != nil {
				t.Errorf("after the remedy: %v", err)
			}
			storetest.Save(t, p, storetest.NewRecord(), 0, nil)
			run(t, admin, "DROP TABLE "+database+".sessions")
		})
	}
}

// An instance that starts must not wait for the others, nor they for it, as for
// an ALTER TABLE.
func TestCreateTableOfOneInUseWaitsForNobody(t *testing.T) {
	p, db, table := store(t)
	run(t, begin(t, db), "INSERT INTO "+table+" VALUES ('x', 1, 0, '', '')")
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	if err := p.CreateTable(ctx); err != nil {
		t.Error(err)
	}
}

func TestTableIsAsDocumented(t *testing.T) {
	_, db, table := store(t)
	if got := query[int](t, db, "SELECT COUNT(DISTINCT index_name) FROM information_schema.statistics WHERE table_name = ?", table); got != 1 {
		t.Errorf("got %d indexes, want that of the key only", got)
	}
	if got := query[string](t, db, "SELECT row_format FROM information_schema.tables WHERE table_name = ?", table); got != "Dynamic" {
		t.Errorf("got row format %s", got)
	}
}

func TestTableNamesAreQuoted(t *testing.T) {
	db, database := open(t, config(t)), newName()
	run(t, db, "CREATE DATABASE "+database)
	t.Cleanup(func() { run(t, db, "DROP DATABASE "+database) })
	for _, name := range []string{
		"sessions", "Sessions", "user", "my sessions", "täble", "a`b", "x`; DROP TABLE `sessions`; --", "it's", "?", "{live}", `a"b\`,
		strings.Repeat("x", 64), "holdfast_sessions",
	} {
		t.Run(name, func(t *testing.T) {
			p := mysqlprovider.New(db, mysqlprovider.Table(database+"."+name))
			if err := p.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
			lists(t, p, "", rec.ID)
			run(t, db, "UPDATE "+database+".`"+strings.ReplaceAll(name, "`", "``")+"` SET expires_at = 1")
			purge(t, p, 1)
		})
	}
}

func TestImpossibleTableNamesPanic(t *testing.T) {
	for _, name := range []string{"", ".", "a.", ".a", "a.b.c", "a\x00", "a ", "a\xff", "a😀", strings.Repeat("x", 65)} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Table did not panic")
				}
			}()
			mysqlprovider.Table(name)
		})
	}
}

// The file can be used as it is.
func TestSchemaIsTheFile(t *testing.T) {
	file, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if got := mysqlprovider.New(nil).Schema(); got != strings.ReplaceAll(string(file), "holdfast_sessions", "`holdfast_sessions`") {
		t.Errorf("got\n%s", got)
	}
	if got := mysqlprovider.New(nil, mysqlprovider.Table("a.b")).Schema(); strings.Contains(got, "holdfast_sessions") || !strings.Contains(got, "`a`.`b` (") {
		t.Errorf("for a.b, got\n%s", got)
	}
}

// CreateTable names each fault.
func TestWrongTableIsNotAccepted(t *testing.T) {
	const dropKey = "ALTER TABLE %[1]s DROP PRIMARY KEY; "
	for name, c := range map[string]struct {
		change string
		faults []string
	}{
		"columns":               {"ALTER TABLE %[1]s DROP COLUMN format; ALTER TABLE %[1]s MODIFY version TEXT", []string{"format VARBINARY(255)", "version BIGINT"}},
		"another type":          {"ALTER TABLE %[1]s MODIFY expires_at DATETIME(3) NOT NULL", []string{"expires_at BIGINT"}},
		"unsigned":              {"ALTER TABLE %[1]s MODIFY version BIGINT UNSIGNED NOT NULL", []string{"version BIGINT"}},
		"short data":            {"ALTER TABLE %[1]s MODIFY data BLOB NOT NULL", []string{"data LONGBLOB"}},
		"short ID":              {"ALTER TABLE %[1]s MODIFY id VARBINARY(254) NOT NULL", []string{"id VARBINARY(255)"}},
		"ID of text":            {"ALTER TABLE %[1]s MODIFY id VARCHAR(255) NOT NULL", []string{"id VARBINARY(255)"}},
		"no key":                {dropKey, []string{"unique index"}},
		"no unique key":         {dropKey + "CREATE INDEX i ON %[1]s (id)", []string{"unique index"}},
		"key of another column": {dropKey + "ALTER TABLE %[1]s ADD UNIQUE (format)", []string{"unique index"}},
		"key of two columns":    {dropKey + "ALTER TABLE %[1]s ADD PRIMARY KEY (id, version)", []string{"unique index"}},
		"key of a prefix":       {dropKey + "ALTER TABLE %[1]s ADD PRIMARY KEY (id(10))", []string{"unique index"}},
		"one column more":       {"ALTER TABLE %[1]s ADD owner INT NOT NULL", []string{"column owner is NOT NULL"}},
		"another engine":        {"ALTER TABLE %[1]s ENGINE=MyISAM", []string{"engine is not InnoDB"}},
		"a view":                {"RENAME TABLE %[1]s TO %[1]s_t; CREATE VIEW %[1]s AS SELECT * FROM %[1]s_t", []string{"no table"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := changed(t, c.change)
			err := p.CreateTable(t.Context())
			for _, want := range append(c.faults, "; drop it, choose another with Table, or change it to what Schema returns") {
				says(t, err, want)
			}
		})
	}
}

func TestTableMayHaveMore(t *testing.T) {
	for name, change := range map[string]string{
		"column":           "ADD owner TEXT",
		"default":          "ADD owner VARCHAR(10) NOT NULL DEFAULT 'nobody'",
		"empty default":    "ADD owner VARCHAR(10) NOT NULL DEFAULT ''",
		"time of creation": "ADD created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
		"number":           "ADD number INT NOT NULL AUTO_INCREMENT UNIQUE",
		"generated column": "ADD size INT GENERATED ALWAYS AS (LENGTH(data)) STORED",
		"index":            "ADD INDEX (expires_at)",
		"unique key":       "DROP PRIMARY KEY, ADD number INT AUTO_INCREMENT PRIMARY KEY, ADD UNIQUE (id)",
		"longer ID":        "MODIFY id VARBINARY(300) NOT NULL",
	} {
		t.Run(name, func(t *testing.T) {
			p := changed(t, "ALTER TABLE %[1]s "+change)
			if err := p.CreateTable(t.Context()); err != nil {
				t.Error(err)
			}
			rec := storetest.NewRecord()
			rec.ExpiresAt = time.Time{}
			storetest.Save(t, p, rec, 0, nil)
			storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
			storetest.Save(t, p, rec, -1, nil)
			storetest.WantRecord(t, p, rec)
		})
	}
}

// changed returns a provider on a table that is changed for the test.
func changed(t *testing.T, change string) *mysqlprovider.Provider {
	t.Helper()
	p, db, table := store(t)
	for statement := range strings.SplitSeq(change, "; ") {
		if statement != "" {
			run(t, db, strings.ReplaceAll(statement, "%[1]s", table))
		}
	}
	t.Cleanup(func() {
		run(t, db, "DROP VIEW IF EXISTS "+table)
		run(t, db, "DROP TABLE IF EXISTS "+table+"_t")
	})
	return p
}
