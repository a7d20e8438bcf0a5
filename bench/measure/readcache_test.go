package measure_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// maxStale is the age of a copy that docs/costs.md recommends.
const maxStale = 5 * time.Second

// readCacheStores are the stores whose records are copied, and the memory store, whose records
// are not.
var readCacheStores = []struct {
	name string
	open func(testing.TB) provider.Provider
}{
	{"memory", func(testing.TB) provider.Provider { return memory.New() }},
	{"redis", func(tb testing.TB) provider.Provider { return openRedis(tb, testserver.SharedRedis(tb)) }},
	{"postgres", func(tb testing.TB) provider.Provider { return openPostgres(tb) }},
	{"dynamodb", func(tb testing.TB) provider.Provider {
		return openDynamoDB(tb, &http.Transport{MaxIdleConnsPerHost: connections})
	}},
}

// BenchmarkReadCache measures the read of one value with Config.ReadCache. The visitor keeps
// both cookies, as a browser does.
func BenchmarkReadCache(b *testing.B) {
	for _, store := range readCacheStores {
		b.Run("store="+store.name, func(b *testing.B) {
			a, m := holdfastCopies(b, store.open(b))
			v := beginCopies(b, a, m)
			before := m.ReadCacheStats()
			b.ReportAllocs()
			sent := 0.0
			for b.Loop() {
				v.send()
				sent++
			}
			if got := ask(b, v); got != "1" {
				b.Errorf("read %q", got)
			}
			b.ReportMetric(100*float64(m.ReadCacheStats().Hits-before.Hits)/(sent+1), "copies-%")
		})
	}
}

// TestReadCacheServesReads holds BenchmarkReadCache to what it claims to measure.
func TestReadCacheServesReads(t *testing.T) {
	for _, store := range readCacheStores {
		t.Run(store.name, func(t *testing.T) {
			a, m := holdfastCopies(t, store.open(t))
			v := beginCopies(t, a, m)
			before := m.ReadCacheStats()
			const n = 20
			for range n {
				if got := ask(t, v); got != "1" {
					t.Fatalf("read %q", got)
				}
				if line, ok := v.cookie(); ok {
					t.Errorf("a further read sets the cookie %s", line)
				}
			}
			// A copy that has become too old is read again, on a slow machine more than once.
			after, want := m.ReadCacheStats(), int64(n)
			if store.name == "memory" {
				want = 0
			}
			if got := after.Hits + after.Stale - before.Hits - before.Stale; got != want {
				t.Errorf("%d of %d reads found a copy, want %d: %+v", got, n, want, after)
			}
		})
	}
}

func holdfastCopies(tb testing.TB, p provider.Provider) (app, *session.Manager) {
	cfg := config()
	cfg.ReadCache.MaxStale = maxStale
	m := newManager(tb, p, cfg)
	return holdfastOf(m), m
}

// beginCopies returns a visitor whose next request reads a session of which m has a copy, if
// the records of the store are copied.
func beginCopies(tb testing.TB, a app, m *session.Manager) *netVisitor {
	tb.Helper()
	v := a.visitor(tb.Context()).(*netVisitor)
	v.to("/begin")
	ask(tb, v)
	v.setCookie(v.cookies())
	v.to("/read")
	for ask(tb, v); m.ReadCacheStats().Deaf > 0 && m.ReadCacheStats().Hits == 0; ask(tb, v) {
		time.Sleep(time.Millisecond) // the Manager is about to hear the messages of the store
		if tb.Context().Err() != nil {
			tb.Fatal("no read is served by a copy")
		}
	}
	return v
}

// cookies returns all cookies that have come with the answer, for the Cookie header.
func (v *netVisitor) cookies() string {
	var pairs []string
	for _, line := range v.w.header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, "; ")
}
