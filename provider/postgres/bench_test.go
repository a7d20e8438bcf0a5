package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// The benchmarks compare a Provider with the shortest SQL that does without the
// contract: no expiry, no answer to a conflict. Run them on a server that is as
// durable as yours, which the shared one is not:
//
//	HOLDFAST_TEST_POSTGRES_URL=postgres://… go test -run '^$' -bench . -count 5
//
// What the network takes comes on top of both.

var benchModes = []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec}

const benchRecords = 1000

// bench runs a benchmark in the modes with and without prepared statements, on a
// table of records with version 1.
func bench(b *testing.B, run func(b *testing.B, p *postgres.Provider, pool *pgxpool.Pool, table string, recs []*provider.Record)) {
	for _, mode := range benchModes {
		for _, size := range []int{300, 4 << 10} {
			b.Run(fmt.Sprintf("mode=%v/size=%d", mode, size), func(b *testing.B) {
				cfg, table := config(b), newTable(b)
				cfg.ConnConfig.DefaultQueryExecMode = mode
				pool := open(b, cfg)
				p := postgres.New(pool, postgres.Table(table))
				recs := make([]*provider.Record, benchRecords)
				for i := range recs {
					recs[i] = storetest.NewRecord()
					recs[i].Data = make([]byte, size)
					storetest.Save(b, p, recs[i], -1, nil)
				}
				run(b, p, pool, table, recs)
			})
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	bench(b, func(b *testing.B, p *postgres.Provider, pool *pgxpool.Pool, table string, recs []*provider.Record) {
		b.Run("raw", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				var rec provider.Record
				row := pool.QueryRow(b.Context(), "SELECT version, format, data FROM "+table+" WHERE id = $1", recs[i%len(recs)].ID)
				if err := row.Scan(&rec.Version, &rec.Format, &rec.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("provider", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := p.Fetch(b.Context(), recs[i%len(recs)].ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkSave(b *testing.B) {
	bench(b, func(b *testing.B, p *postgres.Provider, pool *pgxpool.Pool, table string, recs []*provider.Record) {
		b.Run("raw", func(b *testing.B) {
			update := "UPDATE " + table + " SET version = $3, expires_at = $4, data = $5 WHERE id = $1 AND version = $2"
			for i := 0; b.Loop(); i++ {
				rec := recs[i%len(recs)]
				if n := run(b, pool, update, rec.ID, rec.Version, rec.Version+1, time.Now().Add(time.Hour), rec.Data); n != 1 {
					b.Fatal("not updated")
				}
				rec.Version++
			}
		})
		b.Run("provider", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				rec := recs[i%len(recs)]
				rec.Version++
				rec.ExpiresAt = time.Now().Add(time.Hour)
				storetest.Save(b, p, rec, rec.Version-1, nil)
			}
		})
	})
}

// BenchmarkPurge reads a table of which a tenth has expired.
func BenchmarkPurge(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("records=", n), func(b *testing.B) {
			table := newTable(b)
			pool := open(b, config(b))
			p := postgres.New(pool, postgres.Table(table))
			for b.Loop() {
				b.StopTimer()
				run(b, pool, "TRUNCATE "+table)
				fill(b, pool, table, n, 400)
				b.StartTimer()
				if removed, err := p.Purge(b.Context()); removed != int64(n/10) || err != nil {
					b.Fatal(removed, err)
				}
			}
		})
	}
}
