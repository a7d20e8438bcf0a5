package mysql_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// The benchmarks compare a Provider with the shortest SQL that does without the
// contract: no expiry, no answer to a conflict. Run them on a server that is as
// durable as yours, which the shared one is not:
//
//	HOLDFAST_TEST_MYSQL_URL=mysql://… go test -run '^$' -bench . -count 5
//
// What the network takes comes on top of both.

const benchRecords = 1000

// bench runs a benchmark with and without interpolateParams, on a table of records with
// version 1, also with an index on the expiry.
func bench(b *testing.B, measure func(b *testing.B, p *mysqlprovider.Provider, db runner, table string, recs []*provider.Record)) {
	for _, interpolate := range []bool{true, false} {
		for _, size := range []int{300, 4 << 10} {
			for _, index := range []bool{false, true} {
				b.Run(fmt.Sprintf("interpolate=%v/size=%d/index=%v", interpolate, size, index), func(b *testing.B) {
					cfg, table := config(b), newTable(b)
					cfg.InterpolateParams = interpolate
					db := open(b, cfg)
					if index {
						run(b, db, "ALTER TABLE "+table+" ADD INDEX (expires_at)")
					}
					p := mysqlprovider.New(db, mysqlprovider.Table(table))
					recs := make([]*provider.Record, benchRecords)
					for i := range recs {
						recs[i] = storetest.NewRecord()
						recs[i].Data = make([]byte, size)
						storetest.Save(b, p, recs[i], -1, nil)
					}
					measure(b, p, db, table, recs)
				})
			}
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	bench(b, func(b *testing.B, p *mysqlprovider.Provider, db runner, table string, recs []*provider.Record) {
		b.Run("raw", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				var rec provider.Record
				row := db.QueryRowContext(b.Context(), "SELECT version, format, data FROM "+table+" WHERE id = ?", []byte(recs[i%len(recs)].ID))
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
	bench(b, func(b *testing.B, p *mysqlprovider.Provider, db runner, table string, recs []*provider.Record) {
		b.Run("raw", func(b *testing.B) {
			update := "UPDATE " + table + " SET version = ?, expires_at = ?, data = ? WHERE id = ? AND version = ?"
			for i := 0; b.Loop(); i++ {
				rec := recs[i%len(recs)]
				if n := run(b, db, update, rec.Version+1, time.Now().Add(time.Hour).UnixMilli(), rec.Data, []byte(rec.ID), rec.Version); n != 1 {
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
			p, db, table := store(b)
			for b.Loop() {
				b.StopTimer()
				run(b, db, "TRUNCATE "+table)
				fill(b, db, table, n, 400)
				b.StartTimer()
				if removed, err := p.Purge(b.Context()); removed != int64(n/10) || err != nil {
					b.Fatal(removed, err)
				}
			}
		})
	}
}
