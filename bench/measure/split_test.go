package measure_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

// BenchmarkSplit measures which part of a change over a store is the store's, with the
// driver and the server, and which is not. The floor has its own calls timed.
func BenchmarkSplit(b *testing.B) {
	sc := scenarios[slices.IndexFunc(scenarios, func(sc scenario) bool { return sc.name == "change" })]
	for _, store := range []struct {
		name     string
		raw      func(testing.TB) raw
		provider func(testing.TB) provider.Provider
	}{
		{
			"redis",
			func(tb testing.TB) raw { return newRawRedis(tb, testserver.SharedRedis(tb)) },
			func(tb testing.TB) provider.Provider { return openRedis(tb, testserver.SharedRedis(tb)) },
		},
		{
			"postgres",
			func(tb testing.TB) raw { return &rawPostgres{pool: openPool(tb)} },
			func(tb testing.TB) provider.Provider { return openPostgres(tb) },
		},
	} {
		b.Run("store="+store.name, func(b *testing.B) {
			bare, ours := &timedRaw{raw: store.raw(b)}, &timedProvider{Provider: store.provider(b)}
			b.Run("peer=floor", func(b *testing.B) { sc.split(b, floor(b, bare), &bare.clock) })
			b.Run("peer=Holdfast", func(b *testing.B) { sc.split(b, holdfast(b, ours), &ours.clock) })
		})
	}
}

func (sc scenario) split(b *testing.B, a app, c *clock) {
	v := sc.visit(b, b.Context(), a)
	ask(b, v)
	*c = clock{}
	for b.Loop() {
		v.send()
	}
	per := func(d time.Duration) float64 { return float64(d) / float64(b.N) }
	b.ReportMetric(per(c.read), "read-ns/op")
	b.ReportMetric(per(c.write), "write-ns/op")
	b.ReportMetric(per(b.Elapsed()-c.read-c.write), "rest-ns/op")
}

// A clock adds up the time of one visitor's calls to the store.
type clock struct{ read, write time.Duration }

func (c *clock) reading(do func() error) error { return timeOf(&c.read, do) }
func (c *clock) writing(do func() error) error { return timeOf(&c.write, do) }

func timeOf(sum *time.Duration, do func() error) error {
	start := time.Now()
	defer func() { *sum += time.Since(start) }()
	return do()
}

type timedRaw struct {
	raw
	clock
}

func (r *timedRaw) get(ctx context.Context) error {
	return r.reading(func() error { return r.raw.get(ctx) })
}

func (r *timedRaw) swap(ctx context.Context) error {
	return r.writing(func() error { return r.raw.swap(ctx) })
}

type timedProvider struct {
	provider.Provider
	clock
}

func (p *timedProvider) Fetch(ctx context.Context, id string) (rec *provider.Record, err error) {
	err = p.reading(func() error { rec, err = p.Provider.Fetch(ctx, id); return err })
	return rec, err
}

func (p *timedProvider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	return p.writing(func() error { return p.Provider.Save(ctx, rec, expectVersion) })
}
