package measure_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// BenchmarkWriters has n requests at once add one to the counter of one session,
// and as many in series. They are spread over the instances, which share a store
// and nothing else.
func BenchmarkWriters(b *testing.B) {
	for _, store := range stores {
		b.Run("store="+store.name, func(b *testing.B) {
			p := &savesCounted{Provider: store.provider(b)}
			for _, instances := range []int{1, 2} {
				for _, n := range []int{1, 2, 5, 10, 20, 50, 100} {
					b.Run(fmt.Sprintf("instances=%d/n=%d", instances, n), func(b *testing.B) {
						measureWriters(b, p, instances, n)
					})
				}
			}
		})
	}
}

type savesCounted struct {
	provider.Provider
	saves atomic.Int64
}

func (p *savesCounted) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	p.saves.Add(1)
	return p.Provider.Save(ctx, rec, expectVersion)
}

func measureWriters(b *testing.B, p *savesCounted, instances, n int) {
	ctx := context.Background()
	apps := make([]app, instances)
	for i := range apps {
		apps[i] = incrementer(b, p)
	}
	first := scenario{begin: "/", route: "/"}.visit(b, ctx, apps[0])
	cookie, _ := first.cookie()
	writers := make([]visitor, n)
	for i := range writers {
		writers[i] = apps[i%instances].visitor(ctx)
		writers[i].setCookie(cookie)
		writers[i].to("/")
		ask(b, writers[i]) // the connections are made
	}
	rounds, fails := 0, atomic.Int64{}
	send := func(v visitor) {
		v.send()
		if status, _ := v.answer(); status != http.StatusOK {
			fails.Add(1)
		}
	}
	var attempts, parallel, series []float64
	round := atOnce(b, writers, send)
	for b.Loop() {
		rounds++
		before, start := p.saves.Load(), time.Now()
		round()
		parallel = append(parallel, float64(time.Since(start)))
		attempts = append(attempts, float64(p.saves.Load()-before)/float64(n))
		start = time.Now()
		for _, v := range writers {
			send(v)
		}
		series = append(series, float64(time.Since(start)))
	}
	want := 1 + n + 2*n*rounds - int(fails.Load())
	first.setCookie(cookie)
	if got, _ := strconv.Atoi(ask(b, first)); got != want+1 {
		b.Errorf("counted %d, want %d", got, want+1)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(attempts), "saves/success")
	b.ReportMetric(float64(fails.Load())/float64(rounds), "failed/op")
	b.ReportMetric(median(parallel), "parallel-ns/op")
	b.ReportMetric(median(series), "series-ns/op")
}

// atOnce returns what calls send for every visitor, all at the same time. Each has a
// goroutine of its own for all rounds, as a server has for a connection: a new one
// would have to grow its stack first.
func atOnce(b *testing.B, visitors []visitor, send func(visitor)) (round func()) {
	var wg sync.WaitGroup
	start := make([]chan struct{}, len(visitors))
	for i, v := range visitors {
		start[i] = make(chan struct{}, 1)
		go func() {
			for range start[i] {
				func() {
					defer wg.Done()
					send(v)
				}()
			}
		}()
	}
	b.Cleanup(func() {
		for _, c := range start {
			close(c)
		}
	})
	return func() {
		wg.Add(len(start))
		for _, c := range start {
			c <- struct{}{}
		}
		wg.Wait()
	}
}

// incrementer tells the new count.
func incrementer(tb testing.TB, p provider.Provider) app {
	m := newManager(tb, p, config())
	return app{name: "Holdfast", net: m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		io.WriteString(w, strconv.Itoa(countKey.Update(s, func(n int) int { return n + 1 })))
	})}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
