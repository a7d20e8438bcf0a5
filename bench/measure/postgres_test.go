package measure_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alexedwards/scs/pgxstore"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
)

// The server is one that does not wait for the disk.
func postgresApps(tb testing.TB) []app {
	pool := openPool(tb)
	if _, err := pool.Exec(context.Background(), scsTable); err != nil {
		tb.Fatal(err)
	}
	store := pgxstore.NewWithCleanupInterval(pool, 0) // its goroutine races with the end
	return []app{
		floor(tb, &rawPostgres{pool: openPool(tb)}),
		holdfast(tb, openPostgres(tb)),
		scsApp("scs", store),
	}
}

// scsTable is from the documentation of pgxstore.
const scsTable = `
CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions (expiry)`

func openPool(tb testing.TB) *pgxpool.Pool {
	pool, err := pgxpool.New(context.Background(), testserver.SharedPostgres(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

func openPostgres(tb testing.TB) *postgresprovider.Provider {
	p := postgresprovider.New(openPool(tb))
	if err := p.CreateTable(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return p
}

// rawPostgres selects and updates one row of Holdfast's table.
type rawPostgres struct {
	pool *pgxpool.Pool
	rec  *provider.Record
}

func (r *rawPostgres) begin(ctx context.Context, rec *provider.Record) error {
	p := postgresprovider.New(r.pool)
	if err := p.CreateTable(ctx); err != nil {
		return err
	}
	r.rec = rec
	rec.ExpiresAt = time.Now().Add(idleTimeout)
	return p.Save(ctx, rec, -1)
}

func (r *rawPostgres) get(ctx context.Context) error {
	var version int64
	var data []byte
	row := r.pool.QueryRow(ctx, "SELECT version, data FROM holdfast_sessions WHERE id = $1", r.rec.ID)
	return row.Scan(&version, &data)
}

func (r *rawPostgres) swap(ctx context.Context) error {
	tag, err := r.pool.Exec(ctx, "UPDATE holdfast_sessions SET version = $3, expires_at = $4, data = $5 WHERE id = $1 AND version = $2",
		r.rec.ID, r.rec.Version, r.rec.Version+1, time.Now().Add(idleTimeout), r.rec.Data)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("not updated")
	}
	r.rec.Version++
	return err
}
