package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// fill adds n rows, of which every tenth has expired and every eleventh never
// does.
func fill(tb testing.TB, pool *pgxpool.Pool, table string, n, size int) {
	tb.Helper()
	run(tb, pool, "INSERT INTO "+table+` (id, version, expires_at, format, data)
		SELECT i::text, 1, CASE WHEN i % 10 = 0 THEN now() - interval '1 second' WHEN i % 11 > 0 THEN now() + interval '1 hour' END, '', convert_to(repeat('x', $2), 'UTF8')
		FROM generate_series(1, $1) AS i`, n, size)
}

func purge(t *testing.T, p *postgres.Provider, want int64) {
	t.Helper()
	before := p.PurgeStats()
	if n, err := p.Purge(t.Context()); n != want || err != nil {
		t.Fatalf("Purge: got %d and error %v, want %d", n, err, want)
	}
	if now := p.PurgeStats(); now.Removed-before.Removed != want || !now.Last.After(before.Last) {
		t.Errorf("PurgeStats: got %+v after %+v", now, before)
	}
}

func TestPurgeRemovesTheExpired(t *testing.T) {
	p, pool, table := store(t)
	purge(t, p, 0)
	const n = 5000
	fill(t, pool, table, n, 1500)
	if blocks := query[int](t, pool, "SELECT pg_relation_size($1::text::regclass) / 8192", table); blocks < 2*512 {
		t.Fatalf("the table has %d blocks only", blocks)
	}
	purge(t, p, n/10)
	if left := query[int](t, pool, "SELECT count(*) FROM "+table+" WHERE expires_at > now() OR expires_at IS NULL"); left != n-n/10 {
		t.Errorf("%d rows are left, want %d", left, n-n/10)
	}
	purge(t, p, 0)
}

// A partition has rows at the same positions as another. None must go for another.
func TestPurgeOfAPartitionedTable(t *testing.T) {
	pool, table := open(t, config(t)), newName()
	run(t, pool, fmt.Sprintf(`
		CREATE TABLE %[1]s (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, expires_at timestamptz, format text NOT NULL, data bytea NOT NULL) PARTITION BY HASH (id);
		CREATE TABLE %[1]s_0 PARTITION OF %[1]s FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE %[1]s_1 PARTITION OF %[1]s FOR VALUES WITH (MODULUS 2, REMAINDER 1)`, table))
	t.Cleanup(func() { run(t, pool, "DROP TABLE "+table) })
	fill(t, pool, table, 1000, 10)
	p := postgres.New(pool, postgres.Table(table))
	if err := p.CreateTable(t.Context()); err != nil {
		t.Error(err)
	}
	purge(t, p, 100)
	if left := query[int](t, pool, "SELECT count(*) FROM "+table+" WHERE expires_at > now() OR expires_at IS NULL"); left != 900 {
		t.Errorf("%d rows are left, want 900", left)
	}
}

// Purge passes over what is in use, and comes back for it.
func TestPurgeWaitsForNobody(t *testing.T) {
	p, pool, table := store(t)
	fill(t, pool, table, 100, 10)
	tx := begin(t, pool)
	run(t, tx, "SELECT FROM "+table+" WHERE id = '10' FOR UPDATE")
	purge(t, p, 9)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	purge(t, p, 1)
}

// Writers go on while Purge runs. Half of them let their record expire and create
// it anew in turns, so that Purge meets it in every state.
func TestPurgeWhileWritersRun(t *testing.T) {
	p, pool, table := store(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	recs := make([]*provider.Record, 6)
	var wg sync.WaitGroup
	for i := range recs {
		recs[i] = storetest.NewRecord()
		wg.Go(func() {
			for last := false; !last; {
				last = ctx.Err() != nil
				expires := i%2 == 0 && recs[i].Version%2 == 0 && !last
				if err := rewrite(t.Context(), p, recs[i], expires); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	removed := int64(0)
	storetest.Eventually(t, "removed some", func() bool {
		fill(t, pool, table, 100, 10)
		n, err := p.Purge(t.Context())
		removed += n
		run(t, pool, "DELETE FROM "+table+" WHERE format = ''")
		return removed > 200 || err != nil
	})
	cancel()
	wg.Wait()
	if _, err := p.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	for _, rec := range recs {
		storetest.WantRecord(t, p, rec)
	}
}

// rewrite saves the next version of rec, expired or not.
func rewrite(ctx context.Context, p provider.Provider, rec *provider.Record, expired bool) error {
	rec.Version++
	rec.ExpiresAt = time.Now().Add(time.Hour)
	if expired {
		rec.ExpiresAt = time.Now().Add(-time.Hour)
	}
	return p.Save(ctx, rec, -1)
}

func TestPurgeEvery(t *testing.T) {
	p, pool, table := store(t)
	fill(t, pool, table, 100, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.PurgeEvery(ctx, time.Millisecond)
	}()
	gone := func() bool {
		return query[int](t, pool, "SELECT count(*) FROM "+table+" WHERE expires_at <= now()") == 0
	}
	storetest.Eventually(t, "purged", gone)
	run(t, pool, "UPDATE "+table+" SET expires_at = now() WHERE id = '1'")
	storetest.Eventually(t, "purged again", gone)
	cancel()
	<-done
}

// A failure is logged, and no reason to stop.
func TestPurgeEveryLogsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := postgres.New(failing{code: "57P03"}, postgres.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second)
		defer cancel()
		p.PurgeEvery(ctx, 5*time.Minute)
		if n := strings.Count(log.String(), "57P03"); n < 2 || n > 3 {
			t.Errorf("%d errors logged in two intervals:\n%s", n, &log)
		}
	})
}
