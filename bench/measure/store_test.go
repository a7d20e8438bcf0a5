package measure_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// storeData is the size of a record's data.
const storeData = 1000 // bytes

// A storeBench opens a provider, and the driver's own calls for the same work, which are
// nil if there is no driver. The server writes an acknowledged change to its disk, if it
// can.
type storeBench struct {
	name string
	open func(testing.TB) (provider.Provider, raw)
}

var storeBenches = []storeBench{
	{"memory", func(testing.TB) (provider.Provider, raw) { return memory.New(), nil }},
	{"SQLite", durableSQLite},
	{"Redis", durableRedis},
	{"PostgreSQL", durablePostgres},
}

// BenchmarkStore measures the calls of each provider, beside those of its driver.
func BenchmarkStore(b *testing.B) {
	for _, s := range storeBenches {
		b.Run("store="+s.name, func(b *testing.B) {
			p, driver := s.open(b)
			byHoldfast := &rawProvider{p: p}
			for _, by := range []struct {
				name string
				raw
			}{{"driver", driver}, {"Holdfast", byHoldfast}} {
				if by.raw == nil {
					continue
				}
				if t, ok := p.(interface{ CreateTable(context.Context) error }); ok {
					if err := t.CreateTable(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				if err := by.begin(b.Context(), storeRecord(by.name)); err != nil {
					b.Fatal(err)
				}
				b.Run("call=fetch/peer="+by.name, repeat(by.get))
				b.Run("call=save/peer="+by.name, repeat(by.swap))
			}
		})
	}
}

// repeat returns a benchmark of a call.
func repeat(call func(context.Context) error) func(*testing.B) {
	return func(b *testing.B) {
		for b.Loop() {
			if err := call(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func storeRecord(id string) *provider.Record {
	return &provider.Record{ID: "bench-" + id, Version: 1 << 32, Format: "bench", Data: bytes.Repeat([]byte("x"), storeData)}
}

// rawProvider makes the calls of a provider.
type rawProvider struct {
	p   provider.Provider
	rec *provider.Record
}

func (r *rawProvider) begin(ctx context.Context, rec *provider.Record) error {
	r.rec = rec
	rec.ExpiresAt = time.Now().Add(idleTimeout)
	return r.p.Save(ctx, rec, -1)
}

func (r *rawProvider) get(ctx context.Context) error {
	_, err := r.p.Fetch(ctx, r.rec.ID)
	return err
}

func (r *rawProvider) swap(ctx context.Context) error {
	expect := r.rec.Version
	r.rec.Version++
	r.rec.ExpiresAt = time.Now().Add(idleTimeout)
	return r.p.Save(ctx, r.rec, expect)
}
