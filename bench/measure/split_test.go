package measure_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

// BenchmarkSplit measures which part of a request over a store is the store's, with the
// driver and the server, and which is not. The requests of the floor and of Holdfast
// take turns, a few at a time, so that the machine is the same for both. Between the two
// are floors that do what no program with sessions can do without: to give each call a
// deadline, and to do some work between the calls, which has them find the processor's
// caches as they are after any work.
func BenchmarkSplit(b *testing.B) {
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
		for _, sc := range scenarios {
			if sc.name != "read" && sc.name != "change" {
				continue
			}
			b.Run("store="+store.name+"/scenario="+sc.name, func(b *testing.B) {
				bare, ours := &timedRaw{raw: store.raw(b)}, &timedProvider{Provider: store.provider(b)}
				punctual, busy := &timedRaw{raw: punctualRaw{store.raw(b)}}, &timedRaw{raw: punctualRaw{store.raw(b)}}
				splits := []*split{
					{name: "floor", app: floor(b, bare), clock: &bare.clock},
					{name: "punctual-floor", app: floor(b, punctual), clock: &punctual.clock},
					{name: "busy-floor", app: floor(b, busyRaw{busy}), clock: &busy.clock},
					{name: "Holdfast", app: holdfast(b, ours), clock: &ours.clock},
				}
				for _, s := range splits {
					s.visitor = sc.visit(b, b.Context(), s.app)
				}
				for b.Loop() {
					for _, s := range splits {
						s.turn(splits[0])
					}
				}
				b.ReportMetric(0, "ns/op")
				for _, s := range splits {
					s.report(b)
				}
			})
		}
	}
}

// A split is one of those who take turns.
type split struct {
	name    string
	app     app
	visitor visitor
	clock   *clock

	total, read, write, ratio []float64 // nanoseconds for a request, by turns
}

// atATime is how many requests a turn has.
const atATime = 20

func (s *split) turn(floor *split) {
	s.visitor.send() // the turn's first meets what the one before has left in the caches
	*s.clock = clock{}
	start := time.Now()
	for range atATime {
		s.visitor.send()
	}
	total := time.Since(start)
	for sum, d := range map[*[]float64]time.Duration{&s.total: total, &s.read: s.clock.read, &s.write: s.clock.write} {
		*sum = append(*sum, float64(d)/atATime)
	}
	s.ratio = append(s.ratio, s.total[len(s.total)-1]/floor.total[len(s.total)-1])
}

func (s *split) report(b *testing.B) {
	rest := make([]float64, len(s.total))
	for i := range rest {
		rest[i] = s.total[i] - s.read[i] - s.write[i]
	}
	for part, turns := range map[string][]float64{"read": s.read, "write": s.write, "rest": rest} {
		b.ReportMetric(median(turns), s.name+"-"+part+"-ns/op")
	}
	b.ReportMetric(median(s.ratio), s.name+"-times-floor")
}

// punctualRaw gives each call a deadline.
type punctualRaw struct{ raw }

func (r punctualRaw) get(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return r.raw.get(ctx)
}

func (r punctualRaw) swap(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return r.raw.swap(ctx)
}

// busyRaw computes after each call.
type busyRaw struct{ raw }

const busyFor = 8 * time.Microsecond

func (r busyRaw) get(ctx context.Context) error {
	defer compute()
	return r.raw.get(ctx)
}

func (r busyRaw) swap(ctx context.Context) error {
	defer compute()
	return r.raw.swap(ctx)
}

func compute() {
	for start := time.Now(); time.Since(start) < busyFor; {
	}
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
