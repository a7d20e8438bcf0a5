package drivertest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// The benchmarks compare a Provider with the shortest SQL that does without the contract:
// no expiry, no answer to a conflict, no look at the file.
//
//	go test -run '^$' -bench . -count 5

const benchRecords = 1000

// bench runs a benchmark with each driver on a table of records with version 1.
func bench(b *testing.B, synchronous string, do func(b *testing.B, p *sqlite.Provider, backend backend, path string, recs []*provider.Record)) {
	for name, backend := range backends {
		for _, size := range []int{300, 4 << 10} {
			b.Run(fmt.Sprintf("driver=%s/size=%d", name, size), func(b *testing.B) {
				path := filepath.Join(b.TempDir(), "bench.db")
				db := backend.open(b, path, "journal_mode(wal)", "synchronous("+synchronous+")")
				db.SetMaxOpenConns(1)
				p := sqlite.New(db, sqlite.Reader(backend.open(b, path, "query_only(1)")))
				if err := p.CreateTable(b.Context()); err != nil {
					b.Fatal(err)
				}
				recs := make([]*provider.Record, benchRecords)
				for i := range recs {
					recs[i] = storetest.NewRecord()
					recs[i].Data = make([]byte, size)
					storetest.Save(b, p, recs[i], -1, nil)
				}
				do(b, p, backend, path, recs)
			})
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	bench(b, "normal", func(b *testing.B, p *sqlite.Provider, backend backend, path string, recs []*provider.Record) {
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		b.Run("raw", func(b *testing.B) {
			stmt, err := backend.open(b, path).Prepare("SELECT version, format, data FROM holdfast_sessions WHERE id = ?")
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				var rec provider.Record
				if err := stmt.QueryRowContext(ctx, recs[i%len(recs)].ID).Scan(&rec.Version, &rec.Format, &rec.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("provider", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := p.Fetch(ctx, recs[i%len(recs)].ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkSaveFull(b *testing.B)   { benchmarkSave(b, "full") }
func BenchmarkSaveNormal(b *testing.B) { benchmarkSave(b, "normal") }

func benchmarkSave(b *testing.B, synchronous string) {
	bench(b, synchronous, func(b *testing.B, p *sqlite.Provider, backend backend, path string, recs []*provider.Record) {
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		b.Run("raw", func(b *testing.B) {
			db := backend.open(b, path, "synchronous("+synchronous+")")
			stmt, err := db.Prepare("UPDATE holdfast_sessions SET version = ?3, expires_at = ?4, data = ?5 WHERE id = ?1 AND version = ?2")
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				rec := recs[i%len(recs)]
				result, err := stmt.ExecContext(ctx, rec.ID, rec.Version, rec.Version+1, time.Now().Add(time.Hour).UnixMilli(), rec.Data)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := result.RowsAffected(); n != 1 || err != nil {
					b.Fatal("not updated", err)
				}
				rec.Version++
			}
		})
		b.Run("provider", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				rec := recs[i%len(recs)]
				rec.Version++
				rec.ExpiresAt = time.Now().Add(time.Hour)
				if err := p.Save(ctx, rec, rec.Version-1); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkPurge reads a table of which a tenth has expired.
func BenchmarkPurge(b *testing.B) {
	for name, backend := range backends {
		for _, n := range []int{100_000, 1_000_000} {
			b.Run(fmt.Sprintf("driver=%s/records=%d", name, n), func(b *testing.B) {
				p, db, _ := backend.store(b)
				for b.Loop() {
					b.StopTimer()
					run(b, db, "DELETE FROM holdfast_sessions")
					if _, err := db.Exec(`INSERT INTO holdfast_sessions
						WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
						SELECT hex(randomblob(16)), 1, `+tenth+`, '', zeroblob(400) FROM n`, n); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					if removed, err := p.Purge(b.Context()); removed != int64(n/10) || err != nil {
						b.Fatal(removed, err)
					}
				}
			})
		}
	}
}
