package measure_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-go/holdfast/provider"
)

// storeData is the size of a record's data.
const storeData = 1000 // bytes

// An openedStore is a provider, and the driver's own calls for the same work, which are nil
// if there is no driver. The server writes an acknowledged change to its disk, if it can.
type openedStore struct {
	provider.Provider
	driver raw
	size   func(context.Context) (int64, error) // bytes of all records; nil: unknown
}

var openStores = []struct {
	name string
	open func(testing.TB) openedStore
}{
	{"memory", openMemory},
	{"SQLite", durableSQLite},
	{"Redis", durableRedis},
	{"PostgreSQL", durablePostgres},
	{"MariaDB", durableMariaDB},
	{"etcd", durableEtcd},
	{"NATS", durableNats},
	{"HTTP", memoryOverHTTP},
}

// BenchmarkStore measures the calls of each provider, beside those of its driver.
func BenchmarkStore(b *testing.B) {
	for _, s := range openStores {
		b.Run("store="+s.name, func(b *testing.B) {
			store := openAndCreate(b, s.open)
			byHoldfast := &rawProvider{p: store.Provider}
			for _, by := range []struct {
				name string
				raw
			}{{"driver", store.driver}, {"Holdfast", byHoldfast}} {
				if by.raw == nil {
					continue
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

// openAndCreate opens a store and creates what it needs.
func openAndCreate(tb testing.TB, open func(testing.TB) openedStore) openedStore {
	store := open(tb)
	create := func(context.Context) error { return nil }
	switch p := store.Provider.(type) {
	case interface{ CreateTable(context.Context) error }:
		create = p.CreateTable
	case interface{ CreateBucket(context.Context) error }:
		create = p.CreateBucket
	}
	if err := create(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return store
}

// sizedRecords is the number of records by which a store grows in BenchmarkStoreSize.
const sizedRecords = 5000

// BenchmarkStoreSize measures what a record takes in the store, with an ID of 43 bytes and
// 1,000 bytes of data that cannot be compressed.
func BenchmarkStoreSize(b *testing.B) {
	for _, s := range openStores {
		b.Run("store="+s.name, func(b *testing.B) {
			store := openAndCreate(b, s.open)
			if store.size == nil {
				b.Skip("the store has no size of its own")
			}
			saveMany(b, store, 100) // the first take what is reserved for all
			before := mustSize(b, store)
			for b.Loop() {
				saveMany(b, store, sizedRecords)
			}
			b.ReportMetric(float64(mustSize(b, store)-before)/float64(b.N*sizedRecords), "B/record")
			b.ReportMetric(0, "ns/op")
			runtime.KeepAlive(store)
		})
	}
}

func mustSize(b testing.TB, store openedStore) int64 {
	b.Helper()
	size, err := store.size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// saveMany saves n new records.
func saveMany(b *testing.B, p provider.Provider, n int) {
	var group errgroup.Group
	group.SetLimit(16)
	for range n {
		group.Go(func() error {
			id, data := make([]byte, 32), make([]byte, storeData)
			rand.Read(id)
			rand.Read(data)
			return p.Save(b.Context(), &provider.Record{
				ID: base64.RawURLEncoding.EncodeToString(id), Version: 1 << 32, Format: "bench", Data: data,
				ExpiresAt: time.Now().Add(idleTimeout),
			}, 0)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// repeat returns a benchmark of a call. Its context does not end: package session has one
// that ends only at its deadline, which spares clients from waiting for a cancellation.
func repeat(call func(context.Context) error) func(*testing.B) {
	return func(b *testing.B) {
		for b.Loop() {
			if err := call(context.Background()); err != nil {
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
