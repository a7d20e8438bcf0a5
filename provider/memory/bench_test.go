package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

const benchData = 256

// benchSizes runs a benchmark on stores of two sizes. All of their records
// expire, but not meanwhile.
func benchSizes(b *testing.B, run func(b *testing.B, p *memory.Provider, ids []string)) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("records=", n), func(b *testing.B) {
			p, ids := benchStore(b, n)
			b.ReportAllocs()
			b.ResetTimer()
			run(b, p, ids)
		})
	}
}

func benchStore(b testing.TB, n int) (*memory.Provider, []string) {
	p := memory.New(memory.MaxBytes(1 << 40))
	ids := make([]string, n)
	for i := range ids {
		ids[i] = benchID(i)
		benchSave(b, p, ids[i], 1, 0)
	}
	return p, ids
}

// benchID returns an ID as long as a session's.
func benchID(i int) string { return fmt.Sprintf("%064x", i) }

func benchSave(b testing.TB, p *memory.Provider, id string, version, expectVersion int64) {
	rec := &provider.Record{ID: id, Version: version, ExpiresAt: time.Now().Add(time.Hour), Format: "cbor", Data: make([]byte, benchData)}
	if err := p.Save(context.Background(), rec, expectVersion); err != nil {
		b.Error(err)
	}
}

func BenchmarkFetch(b *testing.B) {
	benchSizes(b, func(b *testing.B, p *memory.Provider, ids []string) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := p.Fetch(context.Background(), ids[rand.IntN(len(ids))]); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkUpdate replaces records, which then expire last.
func BenchmarkUpdate(b *testing.B) {
	benchSizes(b, func(b *testing.B, p *memory.Provider, ids []string) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				benchSave(b, p, ids[rand.IntN(len(ids))], 1, 1)
			}
		})
	})
}

// BenchmarkCreate adds records and removes one for each.
func BenchmarkCreate(b *testing.B) {
	benchSizes(b, func(b *testing.B, p *memory.Provider, ids []string) {
		var next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := int(next.Add(1)) - 1
				benchSave(b, p, benchID(len(ids)+i), 1, 0)
				_ = p.Delete(context.Background(), benchID(i))
			}
		})
	})
}

// BenchmarkMemory reports what the heap grows by for each record, beyond its ID,
// Format and Data.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("records=", n), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				p, ids := benchStore(b, n)
				grown := float64(heap()-before)/float64(n) - float64(2*len(ids[0])+16+len("cbor")+benchData)
				b.ReportMetric(grown, "overhead-B/record")
				runtime.KeepAlive(p)
				runtime.KeepAlive(ids)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
