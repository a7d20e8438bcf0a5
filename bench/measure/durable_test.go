package measure_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

func durableRedis(tb testing.TB) (provider.Provider, raw) {
	addr := testserver.Redis(tb, "--appendonly", "yes", "--appendfsync", "always").Addr
	return openRedis(tb, addr), newRawRedis(tb, addr)
}

func durablePostgres(tb testing.TB) (provider.Provider, raw) {
	pool, err := pgxpool.New(context.Background(), testserver.Postgres(tb).URL)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return postgresprovider.New(pool), &rawPostgres{pool: pool}
}

func durableSQLite(tb testing.TB) (provider.Provider, raw) {
	file := filepath.Join(tb.TempDir(), "sessions.db")
	p, err := opensqlite.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	db, err := sql.Open("sqlite3", "file:"+file+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return p, &rawSQL{db: db, provider: p}
}

// rawSQL selects and updates one row of Holdfast's table, by prepared statements.
type rawSQL struct {
	db             *sql.DB
	provider       provider.Provider
	rec            *provider.Record
	choose, change *sql.Stmt
}

func (r *rawSQL) begin(ctx context.Context, rec *provider.Record) (err error) {
	r.rec = rec
	rec.ExpiresAt = time.Now().Add(idleTimeout)
	if err = r.provider.Save(ctx, rec, -1); err != nil {
		return err
	}
	if r.choose, err = r.db.Prepare("SELECT version, data FROM holdfast_sessions WHERE id = ?"); err != nil {
		return err
	}
	r.change, err = r.db.Prepare("UPDATE holdfast_sessions SET version = ?, expires_at = ?, data = ? WHERE id = ? AND version = ?")
	return err
}

func (r *rawSQL) get(ctx context.Context) error {
	var version int64
	var data []byte
	return r.choose.QueryRowContext(ctx, r.rec.ID).Scan(&version, &data)
}

func (r *rawSQL) swap(ctx context.Context) error {
	expires := provider.Millis(time.Now().Add(idleTimeout))
	result, err := r.change.ExecContext(ctx, r.rec.Version+1, expires, r.rec.Data, r.rec.ID, r.rec.Version)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errors.New("not updated"), err)
	}
	r.rec.Version++
	return nil
}
