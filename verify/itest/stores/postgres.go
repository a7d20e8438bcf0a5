package stores

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
)

// Postgres is provider/postgres with a table per space.
var Postgres = Store{Name: "postgres", shared: testserver.SharedPostgres, open: openPostgres}

// Cockroach is provider/postgres on CockroachDB, which runs only where there is one.
var Cockroach = Store{Name: "cockroach", shared: func(testing.TB) string { return testserver.CockroachURL() }, open: openPostgres}

func openPostgres(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		tb.Fatalf("stores: postgres: %v", err)
	}
	cfg.MaxConns = maxConns
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		tb.Fatalf("stores: postgres: %v", err)
	}
	tb.Cleanup(pool.Close)
	p := postgresprovider.New(pool, postgresprovider.Table(space))
	tells(tb, p, func() string {
		s := pool.Stat()
		return fmt.Sprintf("pgxpool: %d connections of %d, %d acquired, %d idle, %d in the making; %d acquisitions, %d of them given up, %d had to wait",
			s.TotalConns(), s.MaxConns(), s.AcquiredConns(), s.IdleConns(), s.ConstructingConns(), s.AcquireCount(), s.CanceledAcquireCount(), s.EmptyAcquireCount())
	})
	return p, func(ctx context.Context) { pool.Exec(ctx, "DROP TABLE IF EXISTS "+space) }
}
