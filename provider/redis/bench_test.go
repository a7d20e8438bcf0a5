package redis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

var benchSizes = []int{256, 4 << 10, 64 << 10}

// benchmark runs calls of the provider beside the driver's own, each with one
// connection and with a context that ends, as package session's do.
func benchmark(b *testing.B, ours func(context.Context, provider.Provider, *provider.Record) error, name string, drivers func(context.Context, *goredis.Client, string, []byte) error) {
	client := closing(b, goredis.NewClient(&goredis.Options{Addr: testserver.SharedRedis(b)}))
	pre := prefix(b)
	p := redis.New(client, redis.Prefix(pre))
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	for _, size := range benchSizes {
		rec := record()
		rec.Data = make([]byte, size)
		save(b, p, rec, 0)
		b.Run(fmt.Sprintf("%d/provider", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ours(ctx, p, rec); err != nil {
					b.Fatal(err)
				}
			}
		})
		value := []byte(client.Get(ctx, pre+rec.ID).Val())
		b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := drivers(ctx, client, pre+rec.ID, value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFetch(b *testing.B) {
	benchmark(b, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		_, err := p.Fetch(ctx, rec.ID)
		return err
	}, "GET", func(ctx context.Context, client *goredis.Client, key string, _ []byte) error {
		_, err := client.Get(ctx, key).Bytes()
		return err
	})
}

// BenchmarkSave also compares with a script that only sets the value.
func BenchmarkSave(b *testing.B) {
	script := goredis.NewScript(`return redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])`)
	expires := fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())
	benchmark(b, func(ctx context.Context, p provider.Provider, rec *provider.Record) error {
		expect := rec.Version
		rec.Version++
		return p.Save(ctx, rec, expect)
	}, "EVALSHA", func(ctx context.Context, client *goredis.Client, key string, value []byte) error {
		return script.Run(ctx, client, []string{key}, value, expires).Err()
	})
}

// BenchmarkMemory reports what Redis needs for a record besides its ID, Format and
// Data.
func BenchmarkMemory(b *testing.B) {
	for _, size := range benchSizes[:2] {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			server := testserver.Redis(b)
			client := admin(b, server.Addr)
			p := closing(b, must(redis.Open(server.URL)))
			const n = 20_000
			before := memory(b, client)
			for range n {
				rec := record()
				rec.ID = fmt.Sprintf("%064x", rec.ID)[:64]
				rec.Data = make([]byte, size)
				save(b, p, rec, 0)
			}
			used := float64(memory(b, client)-before) / n
			b.ReportMetric(used, "B/record")
			b.ReportMetric(used-float64(64+len("test")+size), "overhead-B/record")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func memory(b *testing.B, client *goredis.Client) (used int64) {
	b.Helper()
	for _, line := range client.InfoMap(b.Context(), "memory").Val() {
		fmt.Sscan(line["used_memory_dataset"], &used)
	}
	return used
}
