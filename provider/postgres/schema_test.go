package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

func TestCreateTableManyTimesAtOnce(t *testing.T) {
	pool, table := open(t, config(t)), newName()
	t.Cleanup(func() { run(t, pool, "DROP TABLE IF EXISTS "+table) })
	p := postgres.New(pool, postgres.Table(table))
	for range 20 {
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
		run(t, pool, "DROP TABLE "+table)
	}
}

// A table that cannot be created is an error, which says what is missing and not what
// has just been done.
func TestCreateTableThatCannotCreate(t *testing.T) {
	admin := open(t, config(t))
	schema, role := newName(), newName()
	run(t, admin, "CREATE SCHEMA "+schema)
	run(t, admin, "CREATE ROLE "+role)
	run(t, admin, fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", schema, role))
	t.Cleanup(func() { run(t, admin, "DROP SCHEMA "+schema+" CASCADE"); run(t, admin, "DROP ROLE "+role) })
	for name, test := range map[string]struct {
		table, role, path string
		says              string
		remedy            string
	}{
		"no privilege":    {table: schema + ".sessions", role: role, says: "grant it CREATE on the schema", remedy: fmt.Sprintf("GRANT CREATE ON SCHEMA %s TO %s", schema, role)},
		"no schema":       {table: schema + "_2.sessions", says: "does not exist; create it", remedy: "ALTER SCHEMA " + schema + " RENAME TO " + schema + "_2"},
		"no schema named": {table: "sessions", path: schema + "_3", says: "does not exist; create it", remedy: "ALTER SCHEMA " + schema + " RENAME TO " + schema + "_3"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			if test.role != "" {
				cfg.ConnConfig.RuntimeParams["role"] = test.role
			}
			if test.path != "" {
				cfg.ConnConfig.RuntimeParams["search_path"] = test.path
			}
			p := postgres.New(open(t, cfg), postgres.Table(test.table))
			err := p.CreateTable(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "CreateTable") {
				t.Errorf("got error %v, want one that says %q, and not CreateTable", err, test.says)
			}
			run(t, admin, test.remedy)
			if err := p.CreateTable(t.Context()); err != nil {
				t.Errorf("after %q: %v", test.remedy, err)
			}
			storetest.Save(t, p, storetest.NewRecord(), 0, nil)
			if strings.HasPrefix(test.remedy, "ALTER") {
				run(t, admin, fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", test.remedy[strings.LastIndex(test.remedy, " ")+1:], schema))
			}
			run(t, admin, "DROP TABLE IF EXISTS "+schema+".sessions")
		})
	}
}

// An instance that starts must not wait for the others, nor they for it, as for
// an ALTER TABLE.
func TestCreateTableOfOneInUseWaitsForNobody(t *testing.T) {
	p, pool, table := store(t)
	run(t, begin(t, pool), "SELECT FROM "+table)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	if err := p.CreateTable(ctx); err != nil {
		t.Error(err)
	}
}

func TestTableIsAsMeasured(t *testing.T) {
	_, pool, table := store(t)
	if got := query[string](t, pool, "SELECT reloptions::text FROM pg_class WHERE oid = $1::text::regclass", table); got != "{fillfactor=80}" {
		t.Errorf("got options %s", got)
	}
	if got := query[string](t, pool, "SELECT attstorage::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = 'data'", table); got != "e" {
		t.Errorf("got storage %q of data, want e (external)", got)
	}
	if got := query[int](t, pool, "SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass", table); got != 1 {
		t.Errorf("got %d indexes, want that of the key only", got)
	}
}

// Saves that change the expiry are updates in place, which write no index.
func TestUpdatesAreHOT(t *testing.T) {
	p, pool, table := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	const updates = 50
	for range updates {
		n := storetest.Next(rec)
		n.ExpiresAt = rec.ExpiresAt.Add(1e9)
		storetest.Save(t, p, n, rec.Version, nil)
		rec = n
	}
	storetest.Eventually(t, "statistics", func() bool {
		return updates == query[int](t, pool, "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = $1::text::regclass", table)
	})
}

func TestTableNamesAreQuoted(t *testing.T) {
	pool, schema := open(t, config(t)), newName()
	run(t, pool, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, pool, "DROP SCHEMA "+schema+" CASCADE") })
	for _, name := range []string{
		"sessions", "Sessions", "user", "my sessions", "täble", `a"b`, `x"; DROP TABLE "sessions"; --`, "it's", "$1", "{live}",
		strings.Repeat("x", 63), "holdfast_sessions",
	} {
		t.Run(name, func(t *testing.T) {
			p := postgres.New(pool, postgres.Table(schema+"."+name))
			if err := p.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
			run(t, pool, "UPDATE "+pgx.Identifier{schema, name}.Sanitize()+" SET expires_at = '2000-01-01'")
			if n, err := p.Purge(t.Context()); n != 1 || err != nil {
				t.Errorf("Purge: got %d and error %v, want 1", n, err)
			}
		})
	}
}

func TestImpossibleTableNamesPanic(t *testing.T) {
	for _, name := range []string{"", ".", "a.", ".a", "a.b.c", "a\x00", strings.Repeat("x", 64)} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Table did not panic")
				}
			}()
			postgres.Table(name)
		})
	}
}

// The file can be used as it is.
func TestSchemaIsTheFile(t *testing.T) {
	file, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if got := postgres.New(nil).Schema(); got != strings.ReplaceAll(string(file), "holdfast_sessions", `"holdfast_sessions"`) {
		t.Errorf("got\n%s", got)
	}
	if got := postgres.New(nil, postgres.Table("a.b")).Schema(); strings.Contains(got, "holdfast_sessions") || !strings.Contains(got, `"a"."b" (`) {
		t.Errorf("for a.b, got\n%s", got)
	}
}

// CreateTable names each fault, and Save sends to CreateTable.
func TestWrongTableIsNotAccepted(t *testing.T) {
	const dropKey = "ALTER TABLE %[1]s DROP CONSTRAINT %[1]s_pkey; "
	for name, c := range map[string]struct {
		change string
		faults []string
	}{
		"columns":                {"ALTER TABLE %[1]s DROP COLUMN format; ALTER TABLE %[1]s ALTER COLUMN version TYPE text", []string{"format text", "version bigint"}},
		"no key":                 {dropKey, []string{"unique index"}},
		"no unique key":          {dropKey + "CREATE INDEX ON %[1]s (id)", []string{"unique index"}},
		"key of another column":  {dropKey + "ALTER TABLE %[1]s ADD UNIQUE (format)", []string{"unique index"}},
		"key of two columns":     {dropKey + "ALTER TABLE %[1]s ADD PRIMARY KEY (id, version)", []string{"unique index"}},
		"key of some rows":       {dropKey + "CREATE UNIQUE INDEX ON %[1]s (id) WHERE version > 0", []string{"unique index"}},
		"key of an expression":   {dropKey + "CREATE UNIQUE INDEX ON %[1]s (lower(id))", []string{"unique index"}},
		"key checked at the end": {dropKey + "ALTER TABLE %[1]s ADD PRIMARY KEY (id) DEFERRABLE", []string{"unique index"}},
		"expiry for all":         {"ALTER TABLE %[1]s ALTER COLUMN expires_at SET NOT NULL", []string{"column expires_at is NOT NULL"}},
		"one column more":        {"ALTER TABLE %[1]s ADD owner text NOT NULL", []string{"column owner is NOT NULL"}},
		"a view":                 {"ALTER TABLE %[1]s RENAME TO %[1]s_t; CREATE VIEW %[1]s AS SELECT DISTINCT * FROM %[1]s_t", []string{"no table"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := changed(t, c.change)
			err := p.CreateTable(t.Context())
			for _, want := range append(c.faults, "; drop it, choose another with Table, or change it to what Schema returns") {
				if !strings.Contains(fmt.Sprint(err), want) {
					t.Errorf("CreateTable: got error %v, want one that tells %q", err, want)
				}
			}
			rec := storetest.NewRecord()
			rec.ExpiresAt = time.Time{}
			err = p.Save(t.Context(), rec, 0)
			tellsNothing(t, err, rec)
			if !strings.Contains(fmt.Sprint(err), "CreateTable") {
				t.Errorf("Save: got error %v, want one that names CreateTable", err)
			}
		})
	}
}

func TestTableMayHaveMore(t *testing.T) {
	for name, change := range map[string]string{
		"column":           "ADD owner text",
		"default":          "ADD owner text NOT NULL DEFAULT 'nobody'",
		"identity":         "ADD number int GENERATED ALWAYS AS IDENTITY",
		"generated column": "ADD size int NOT NULL GENERATED ALWAYS AS (length(data)) STORED",
		"dropped column":   "ADD owner text NOT NULL, ADD CHECK (version > 0); ALTER TABLE %[1]s DROP owner",
		"another key":      "DROP CONSTRAINT %[1]s_pkey, ADD PRIMARY KEY (id) INCLUDE (version)",
	} {
		t.Run(name, func(t *testing.T) {
			p := changed(t, "ALTER TABLE %[1]s "+change)
			if err := p.CreateTable(t.Context()); err != nil {
				t.Error(err)
			}
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
		})
	}
}

// changed returns a provider on a table that is changed for the test.
func changed(t *testing.T, change string) *postgres.Provider {
	t.Helper()
	_, pool, table := store(t)
	tx := begin(t, pool)
	run(t, tx, strings.ReplaceAll(change, "%[1]s", table))
	return postgres.New(tx, postgres.Table(table))
}
