package sealed_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// benchEach runs a benchmark over memory, with and without sealing, for records
// of a small and of a large session.
func benchEach(b *testing.B, run func(b *testing.B, p provider.Provider, rec *provider.Record)) {
	for _, size := range []int{256, 4096} {
		for name, p := range map[string]provider.Provider{"memory": memory.New(), "sealed": seal(b, memory.New(), newKey())} {
			b.Run(fmt.Sprintf("%s/bytes=%d", name, size), func(b *testing.B) {
				rec := newRecord()
				rec.Data = make([]byte, size)
				save(b, p, rec, 0)
				b.ReportAllocs()
				b.ResetTimer()
				run(b, p, rec)
			})
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	benchEach(b, func(b *testing.B, p provider.Provider, rec *provider.Record) {
		for b.Loop() {
			if _, err := p.Fetch(context.Background(), rec.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSave(b *testing.B) {
	benchEach(b, func(b *testing.B, p provider.Provider, rec *provider.Record) {
		for b.Loop() {
			if err := p.Save(context.Background(), rec, rec.Version); err != nil {
				b.Fatal(err)
			}
		}
	})
}
