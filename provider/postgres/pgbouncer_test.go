package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// With exec mode in the URL, PgBouncer may give every transaction another
// connection.
func TestContractBehindPgBouncer(t *testing.T) {
	cfg := pgBouncer(t, 4)
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	contractOn(t, open(t, cfg))
}

// Without, the error tells about it, or PgBouncer is one (from 1.21) that keeps
// track of prepared statements.
func TestPreparedStatementsBehindPgBouncer(t *testing.T) {
	cfg, table := pgBouncer(t, 1), newTable(t)
	for range 2 {
		err := postgres.New(open(t, cfg.Copy()), postgres.Table(table)).Save(t.Context(), storetest.NewRecord(), 0)
		if err != nil && !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
			t.Errorf("the error %q does not say what to do", err)
		}
	}
}

// pgBouncer starts one with so many connections to the shared server.
func pgBouncer(t *testing.T, connections int) *pgxpool.Config {
	t.Helper()
	to := config(t).ConnConfig
	database := fmt.Sprintf("host='%s' port=%d dbname='%s' user='%s'", to.Host, to.Port, to.Database, to.User)
	if to.Password != "" {
		database += fmt.Sprintf(" password='%s'", to.Password)
	}
	cfg := parse(t, testserver.PgBouncer(t, database, connections).URL)
	pool := open(t, cfg.Copy())
	storetest.Eventually(t, "start of PgBouncer", func() bool { return pool.Ping(t.Context()) == nil })
	return cfg
}
