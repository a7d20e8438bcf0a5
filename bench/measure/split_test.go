package measure_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// BenchmarkSplit measures which part of a request over a store is the store's, with the
// driver and the server, and which is not. The requests of the floor and of Holdfast
// take turns, a few at a time, so that the machine is the same for both. Between the two
// are floors that do what no program with sessions can do without: to give each call a
// deadline, and to do some work of its own after each call.
func BenchmarkSplit(b *testing.B) {
	for _, store := range stores {
		if store.raw == nil {
			continue
		}
		for _, sc := range scenarios {
			if sc.name != "read" && sc.name != "change" {
				continue
			}
			b.Run("store="+store.name+"/scenario="+sc.name, func(b *testing.B) {
				bare, punctual, busy := &timedRaw{raw: store.raw(b)}, &timedRaw{raw: store.raw(b)}, &timedRaw{raw: store.raw(b)}
				ours := &timedProvider{Provider: store.provider(b)}
				visitor := func(a app) visitor { return sc.visit(b, b.Context(), a) }
				splits := []*split{
					{name: "floor", visitor: visitor(floor(b, bare)), clock: &bare.clock},
					{name: "punctual-floor", visitor: visitor(floor(b, punctualRaw{punctual})), clock: &punctual.clock},
					{name: "busy-floor", visitor: visitor(floor(b, busyRaw{punctualRaw{busy}})), clock: &busy.clock},
					{name: "Holdfast", visitor: visitor(holdfast(b, ours)), clock: &ours.clock},
				}
				for turn := 0; b.Loop(); turn++ {
					for i := range splits {
						splits[(turn+i)%len(splits)].turn(b)
					}
				}
				b.ReportMetric(0, "ns/op")
				for _, s := range splits {
					s.report(b, splits[0])
				}
				b.ReportMetric(median(splits[3].ratios(splits[1])), "Holdfast-times-punctual-floor")
			})
		}
	}
}

// A split is one of those who take turns.
type split struct {
	name    string
	visitor visitor
	clock   *clock

	total, read, write []float64 // nanoseconds for a request, by turns
}

// atATime is how many requests a turn has.
const atATime = 20

func (s *split) turn(b *testing.B) {
	ask(b, s.visitor) // the turn's first meets what the one before has left in the caches
	*s.clock = clock{}
	start := time.Now()
	for range atATime {
		s.visitor.send()
	}
	total := time.Since(start)
	for sum, d := range map[*[]float64]time.Duration{&s.total: total, &s.read: s.clock.read, &s.write: s.clock.write} {
		*sum = append(*sum, float64(d)/atATime)
	}
}

func (s *split) report(b *testing.B, floor *split) {
	rest := make([]float64, len(s.total))
	for i, total := range s.total {
		rest[i] = total - s.read[i] - s.write[i]
	}
	for part, turns := range map[string][]float64{"read": s.read, "write": s.write, "rest": rest} {
		b.ReportMetric(median(turns), s.name+"-"+part+"-ns/op")
	}
	b.ReportMetric(median(s.ratios(floor)), s.name+"-times-floor")
}

// ratios returns the ratio of its time to another's, by turns.
func (s *split) ratios(other *split) []float64 {
	ratios := make([]float64, len(s.total))
	for i, total := range s.total {
		ratios[i] = total / other.total[i]
	}
	return ratios
}

// punctualRaw gives each call a deadline.
type punctualRaw struct{ raw }

func (r punctualRaw) get(ctx context.Context) error  { return punctually(ctx, r.raw.get) }
func (r punctualRaw) swap(ctx context.Context) error { return punctually(ctx, r.raw.swap) }

func punctually(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return call(ctx)
}

// busyRaw computes after each call.
type busyRaw struct{ raw }

func (r busyRaw) get(ctx context.Context) error {
	defer compute()
	return r.raw.get(ctx)
}

func (r busyRaw) swap(ctx context.Context) error {
	defer compute()
	return r.raw.swap(ctx)
}

// compute takes about as long as what Holdfast does for a call, in process.
func compute() [sha256.Size]byte { return sha256.Sum256(worked[:]) }

var worked [4 << 10]byte

// BenchmarkCompute measures compute by itself.
func BenchmarkCompute(b *testing.B) {
	for b.Loop() {
		compute()
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
