package measure_test

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// BenchmarkSweep measures single Saves into a store of n expired records: those
// that sweep by the way, large ones that have to make room in a full store, and
// those of a store with nothing to sweep, for what the machine does. The garbage
// collector waits meanwhile: it would be the longest of all.
func BenchmarkSweep(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			b.Run("store=expired", func(b *testing.B) { measureSaves(b, expiredStore(b, n, 1<<40), sweepData) })
			if n*sweepCost > 2*saves*(64<<10) {
				b.Run("store=full", func(b *testing.B) { measureSaves(b, expiredStore(b, n, int64(n)*sweepCost), 64<<10) })
			}
			b.Run("store=live", func(b *testing.B) { measureSaves(b, fill(b, n, 1<<40, time.Hour), sweepData) })
		})
	}
}

const (
	sweepData = 256
	sweepCost = 64 + sweepData + 208 // of a record, as package memory counts
	saves     = 1_000
)

// expiredStore returns a store whose n records have expired.
func expiredStore(b *testing.B, n int, maxBytes int64) *memory.Provider {
	life := 2*time.Second + time.Duration(n)*6*time.Microsecond
	end := time.Now().Add(life)
	p := fill(b, n, maxBytes, life)
	if time.Now().After(end) {
		b.Skip("records expired before all of them were there")
	}
	time.Sleep(time.Until(end) + 10*time.Millisecond)
	return p
}

func fill(b *testing.B, n int, maxBytes int64, life time.Duration) *memory.Provider {
	p := memory.New(memory.MaxBytes(maxBytes))
	expires := time.Now().Add(life)
	for i := range n {
		rec := &provider.Record{ID: fmt.Sprintf("%064x", i), Version: 1, ExpiresAt: expires, Data: make([]byte, sweepData)}
		if err := p.Save(provider.WithReserve(context.Background()), rec, 0); err != nil {
			b.Fatal(err)
		}
	}
	return p
}

func measureSaves(b *testing.B, p *memory.Provider, size int) {
	heap()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	took := make([]time.Duration, saves)
	for b.Loop() {
		for i := range took {
			rec := &provider.Record{ID: fmt.Sprintf("new-%060x", i), Version: 1, ExpiresAt: time.Now().Add(time.Hour), Data: make([]byte, size)}
			start := time.Now()
			if err := p.Save(provider.WithReserve(context.Background()), rec, -1); err != nil {
				b.Fatal(err)
			}
			took[i] = time.Since(start)
		}
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[saves/2]), "p50-ns")
	b.ReportMetric(float64(took[saves*99/100]), "p99-ns")
	b.ReportMetric(float64(took[saves-1]), "max-ns")
}
