package postgres_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// cockroach returns a pool on the CockroachDB of HOLDFAST_TEST_COCKROACH_URL. Without one
// it is a PostgreSQL that says that it is a CockroachDB: the provider's statements for
// CockroachDB are also PostgreSQL's. Transactions are serializable as they are there.
func cockroach(t *testing.T) (pool *pgxpool.Pool, isPostgreSQL bool) {
	t.Helper()
	if url := testserver.CockroachURL(); url != "" {
		return open(t, parse(t, url)), false
	}
	admin, schema := open(t, config(t)), newName()
	run(t, admin, fmt.Sprintf(`
		CREATE SCHEMA %[1]s;
		CREATE FUNCTION %[1]s.version() RETURNS text LANGUAGE sql AS 'SELECT ''CockroachDB CCL v25.4.0 (x86_64-pc-linux-gnu)''::text'`, schema))
	t.Cleanup(func() { run(t, admin, "DROP SCHEMA "+schema+" CASCADE") })
	cfg := config(t)
	cfg.ConnConfig.RuntimeParams["search_path"] = schema + ", pg_catalog"
	cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	return open(t, cfg), true
}

// cockroachStore returns a provider on a table of its own.
func cockroachStore(t *testing.T, pool *pgxpool.Pool) (p *postgres.Provider, table string) {
	t.Helper()
	table = newName()
	p = postgres.New(pool, postgres.Table(table))
	if err := p.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run(t, pool, "DROP TABLE IF EXISTS "+table) })
	return p, table
}

func TestContractOnCockroachDB(t *testing.T) {
	pool, _ := cockroach(t)
	p, _ := cockroachStore(t, pool)
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

// CockroachDB may roll any statement back, at any time, and leaves it to the client to
// repeat it.
func TestSerializationFailuresAreRepeated(t *testing.T) {
	pool, isPostgreSQL := cockroach(t)
	p, table := cockroachStore(t, pool)
	if !isPostgreSQL {
		run(t, pool, "SET CLUSTER SETTING sql.defaults.inject_retry_errors_enabled = true")
		t.Cleanup(func() { run(t, pool, "RESET CLUSTER SETTING sql.defaults.inject_retry_errors_enabled") })
		providertest.Run(t, func(*testing.T) provider.Provider { return p })
		return
	}
	run(t, pool, fmt.Sprintf(`
		CREATE SEQUENCE %[1]s_failures;
		CREATE FUNCTION %[1]s_fail() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF random() < 0.33 THEN
				PERFORM nextval('%[1]s_failures');
				RAISE EXCEPTION 'restart transaction' USING ERRCODE = '40001';
			END IF;
			IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER fail BEFORE INSERT OR UPDATE OR DELETE ON %[1]s FOR EACH ROW EXECUTE FUNCTION %[1]s_fail()`, table))
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
	if n := query[int](t, pool, "SELECT last_value FROM "+table+"_failures"); n < 10 {
		t.Errorf("only %d statements were rolled back", n)
	}
}

func TestPurgeOfCockroachDB(t *testing.T) {
	pool, _ := cockroach(t)
	p, table := cockroachStore(t, pool)
	purge(t, p, 0)
	const n = 12_000 // more than two steps
	fill(t, pool, table, n, 10)
	purge(t, p, n/10)
	if left := query[int](t, pool, "SELECT count(*) FROM "+table+" WHERE expires_at > now() OR expires_at IS NULL"); left != n-n/10 {
		t.Errorf("%d rows are left, want %d", left, n-n/10)
	}
	run(t, pool, "UPDATE "+table+" SET expires_at = now() - interval '1 second'") // also the last of each step
	purge(t, p, n-n/10)
	purge(t, p, 0)
}

func TestPurgeOfCockroachDBWaitsForNobody(t *testing.T) {
	pool, _ := cockroach(t)
	p, table := cockroachStore(t, pool)
	fill(t, pool, table, 100, 10)
	tx := begin(t, pool)
	run(t, tx, "SELECT id FROM "+table+" WHERE id = '10' FOR UPDATE")
	purge(t, p, 9)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	purge(t, p, 1)
}

func TestCreateTableInCockroachDBManyTimesAtOnce(t *testing.T) {
	pool, _ := cockroach(t)
	name := newName()
	t.Cleanup(func() { run(t, pool, "DROP TABLE IF EXISTS "+name) })
	errs := make([]error, 10)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = postgres.New(pool, postgres.Table(name)).CreateTable(t.Context()) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestWrongTableIsNotAcceptedInCockroachDB(t *testing.T) {
	const columns = "version bigint NOT NULL, expires_at timestamptz, format text NOT NULL, data bytea NOT NULL"
	pool, _ := cockroach(t)
	for name, c := range map[string]struct{ columns, fault string }{
		"as it should be":       {"id text PRIMARY KEY, " + columns, ""},
		"one column more":       {"id text PRIMARY KEY, owner text, number int NOT NULL DEFAULT 1, " + columns, ""},
		"no column":             {"id text PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz, data bytea NOT NULL", "no column format text"},
		"column of another":     {"id text PRIMARY KEY, version bigint NOT NULL, expires_at text, format text NOT NULL, data bytea NOT NULL", "no column expires_at timestamp with time zone"},
		"expiry for all":        {"id text PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz NOT NULL, format text NOT NULL, data bytea NOT NULL", "column expires_at is NOT NULL"},
		"required column more":  {"id text PRIMARY KEY, owner text NOT NULL, " + columns, "column owner is NOT NULL"},
		"key of another column": {"id text NOT NULL, number int PRIMARY KEY, " + columns, "the primary key is not id alone"},
		"key of two columns":    {"id text NOT NULL, " + columns + ", PRIMARY KEY (id, version)", "the primary key is not id alone"},
	} {
		t.Run(name, func(t *testing.T) {
			table := newName()
			run(t, pool, "CREATE TABLE "+table+" ("+c.columns+")")
			t.Cleanup(func() { run(t, pool, "DROP TABLE "+table) })
			err := postgres.New(pool, postgres.Table(table)).CreateTable(t.Context())
			if c.fault == "" && err != nil || c.fault != "" && !strings.Contains(fmt.Sprint(err), c.fault) {
				t.Errorf("got error %v, want one that says %q", err, c.fault)
			}
		})
	}
}

// The file can be used as it is.
func TestCockroachSchemaIsTheFile(t *testing.T) {
	file, err := os.ReadFile("schema_cockroach.sql")
	if err != nil {
		t.Fatal(err)
	}
	if got := postgres.New(nil).CockroachSchema(); got != strings.ReplaceAll(string(file), "holdfast_sessions", `"holdfast_sessions"`) {
		t.Errorf("got\n%s", got)
	}
}
