package stores

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
)

// Postgres is provider/postgres with a table per space.
var Postgres = Store{
	Name:   "postgres",
	shared: testserver.SharedPostgres,
	open: func(tb testing.TB, url, space string) provider.Provider {
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
		must(tb, "create the table", p.CreateTable)
		cleanup(tb, func(ctx context.Context) {
			pool.Exec(ctx, "DROP TABLE IF EXISTS "+space)
		})
		return p
	},
}
