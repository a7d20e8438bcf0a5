package measure_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

const (
	beforeOutage = time.Second
	outage       = 8 * time.Second
	afterOutage  = 2 * time.Second
	pace         = time.Millisecond // between the requests of a visitor
)

// BenchmarkOutage kills or freezes Redis under load, and tells how Holdfast
// answers before, during and after.
func BenchmarkOutage(b *testing.B) {
	for _, fault := range []struct {
		name       string
		begin, end func(*testserver.Server)
	}{
		{"killed", (*testserver.Server).Kill, (*testserver.Server).Restart},
		{"frozen", (*testserver.Server).Freeze, (*testserver.Server).Thaw},
	} {
		b.Run("fault="+fault.name, func(b *testing.B) {
			s := testserver.Redis(b, "--appendonly", "yes", "--appendfsync", "always")
			o := newOutageRun(b, openRedis(b, s.Addr))
			time.Sleep(beforeOutage)
			o.begun = time.Now()
			fault.begin(s)
			time.Sleep(outage)
			fault.end(s)
			o.ended = time.Now()
			time.Sleep(afterOutage)
			o.stop()
			o.report(b)
		})
	}
}

// An outageRun is visitors who go on asking until it is stopped.
type outageRun struct {
	begun, ended time.Time // of the outage
	stopped      chan struct{}
	wg           sync.WaitGroup

	mu      sync.Mutex
	answers []answered
}

type answered struct {
	route      string
	start, end time.Time
	status     int
}

// outageRoutes are asked for by as many visitors each. What is lost of a change
// is found by its visitor.
var outageRoutes = []string{"/change", "/untouched"}

const visitorsEach = 4

func newOutageRun(b *testing.B, p provider.Provider) *outageRun {
	o := &outageRun{stopped: make(chan struct{})}
	a := outageApp(b, p)
	for _, route := range outageRoutes {
		for range visitorsEach {
			v := scenario{begin: "/change", route: route}.visit(b, context.Background(), a)
			o.wg.Go(func() { o.visit(b, v, route) })
		}
	}
	return o
}

func outageApp(b *testing.B, p provider.Provider) app {
	m := newManager(b, p, config())
	mux := http.NewServeMux()
	mux.Handle("/change", m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		io.WriteString(w, strconv.Itoa(countKey.Update(s, func(n int) int { return n + 1 })))
	}))
	mux.Handle("/untouched", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok")
	})))
	return app{net: mux}
}

// visit checks that every change answered with 200 is counted, and none twice.
func (o *outageRun) visit(b *testing.B, v visitor, route string) {
	counted, unknown := 1, 0
	for {
		select {
		case <-o.stopped:
			return
		case <-time.After(pace):
		}
		start := time.Now()
		v.send()
		status, body := v.answer()
		o.note(answered{route, start, time.Now(), status})
		if route != "/change" {
			continue
		}
		if status != http.StatusOK {
			unknown++
			continue
		}
		n, _ := strconv.Atoi(body)
		if n <= counted || n > counted+unknown+1 {
			b.Errorf("counted %d after %d and %d of unknown outcome", n, counted, unknown)
		}
		counted, unknown = n, 0
	}
}

func (o *outageRun) note(a answered) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers = append(o.answers, a)
}

func (o *outageRun) stop() {
	close(o.stopped)
	o.wg.Wait()
}

func (o *outageRun) phase(a answered) string {
	switch {
	case a.end.Before(o.begun):
		return "before"
	case a.start.After(o.ended):
		return "after"
	default:
		return "during"
	}
}

func (o *outageRun) report(b *testing.B) {
	for _, route := range outageRoutes {
		for _, phase := range []string{"before", "during", "after"} {
			b.Run("route="+route[1:]+"/phase="+phase, func(b *testing.B) {
				var took []time.Duration
				var ok, unavailable, other float64
				for _, a := range o.answers {
					if a.route != route || o.phase(a) != phase {
						continue
					}
					took = append(took, a.end.Sub(a.start))
					switch a.status {
					case http.StatusOK:
						ok++
					case http.StatusServiceUnavailable:
						unavailable++
					default:
						other++
					}
				}
				if len(took) == 0 {
					b.Fatal("no answers")
				}
				slices.Sort(took)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(ok, "status200/op")
				b.ReportMetric(unavailable, "status503/op")
				b.ReportMetric(other, "other/op")
				b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
				b.ReportMetric(float64(took[len(took)-1]), "max-ns")
				if phase == "after" {
					b.ReportMetric(float64(o.recovery(route)), "recovery-ns")
				}
			})
		}
	}
}

// recovery returns how long after the outage the first good answer came.
func (o *outageRun) recovery(route string) time.Duration {
	first := time.Duration(1 << 62)
	for _, a := range o.answers {
		if a.route == route && a.status == http.StatusOK && a.end.After(o.ended) {
			first = min(first, a.end.Sub(o.ended))
		}
	}
	return first
}
