package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// contract checks the rules of package provider over a pool that is set up in a
// certain way.
func contract(t *testing.T, setUp func(*pgxpool.Config)) {
	t.Helper()
	cfg := config(t)
	setUp(cfg)
	contractOn(t, open(t, cfg))
}

func contractOn(t *testing.T, db postgres.DB) {
	t.Helper()
	p := postgres.New(db, postgres.Table(newTable(t)))
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

func TestContract(t *testing.T) {
	contract(t, func(*pgxpool.Config) {})
}

func TestContractInAnyExecMode(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec,
		pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			contract(t, func(cfg *pgxpool.Config) { cfg.ConnConfig.DefaultQueryExecMode = mode })
		})
	}
}

func TestContractWithOneConnection(t *testing.T) {
	contract(t, func(cfg *pgxpool.Config) { cfg.MaxConns = 1 })
}

// pgx.Conn is not safe for concurrent use; the Provider is.
func TestContractOnConn(t *testing.T) {
	cfg := config(t).ConnConfig
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: storetest.Patience}
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(background(t)) })
	contractOn(t, conn)
}

// Text depends on these settings, and exec mode on text.
func TestContractInAnyTimeZone(t *testing.T) {
	for zone, style := range map[string]string{
		"Asia/Kathmandu":      "German",
		"America/Los_Angeles": "SQL, DMY",
		"Pacific/Kiritimati":  "Postgres",
	} {
		t.Run(zone, func(t *testing.T) {
			contract(t, func(cfg *pgxpool.Config) {
				cfg.ConnConfig.RuntimeParams["TimeZone"] = zone
				cfg.ConnConfig.RuntimeParams["DateStyle"] = style
				cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
			})
		})
	}
}

func TestContractAtAnyIsolation(t *testing.T) {
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			contract(t, func(cfg *pgxpool.Config) {
				cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
			})
		})
	}
}
