package measure_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"testing"

	"github.com/alexedwards/scs/v2/memstore"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// BenchmarkSessions measures requests of visitors drawn from n, all of whom have
// a session in memory, and what the heap holds for each beside ID and data.
func BenchmarkSessions(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			p := memory.New(memory.MaxBytes(1 << 40))
			cookies := make([][cookieRoom]byte, n)
			before := heap()
			v := beginAll(b, holdfast(b, p), cookies)
			overhead := float64(heap()-before-recordBytes(p)) / float64(n)
			v.to("/read")
			for i := range min(n, 100_000) { // these have been here before
				v.use(cookies[i][:])
				v.send()
			}
			for _, route := range []string{"/read", "/change"} {
				b.Run("scenario="+route[1:], func(b *testing.B) {
					v.to(route)
					b.ReportAllocs()
					for b.Loop() {
						v.use(cookies[rand.IntN(n)][:])
						v.send()
					}
					if status, body := v.answer(); status != http.StatusOK {
						b.Errorf("status %d: %s", status, body)
					}
					b.ReportMetric(overhead, "overhead-B/session")
				})
			}
			runtime.KeepAlive(p)
		})
	}
}

// cookieRoom is for a cookie and the zeros after it.
const cookieRoom = 192

// beginAll begins a session for each cookie.
func beginAll(b *testing.B, a app, cookies [][cookieRoom]byte) *netVisitor {
	v := a.visitor(b.Context()).(*netVisitor)
	v.request.Header["Cookie"] = []string{""}
	v.to("/begin")
	for i := range cookies {
		v.send()
		cookie, ok := v.cookie()
		if !ok || len(cookie) >= cookieRoom {
			b.Fatalf("cookie %q", cookie)
		}
		copy(cookies[i][:], cookie)
	}
	return v
}

func (v *netVisitor) use(cookie []byte) {
	v.request.Header["Cookie"][0] = string(cookie[:bytes.IndexByte(cookie, 0)])
}

// recordBytes returns the memory of IDs, formats and data alone.
func recordBytes(p *memory.Provider) int64 { return p.Bytes() - 192*int64(p.Len()) }

func heap() int64 {
	runtime.GC()
	runtime.GC() // for what finalizers and pools let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// BenchmarkKeys measures sessions with n numbers, of which a request reads one or
// also changes it.
func BenchmarkKeys(b *testing.B) {
	store := memstore.NewWithCleanupInterval(0)
	for _, n := range []int{1, 10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			for _, a := range []app{holdfastKeys(b, n), scsKeys(n, store)} {
				for _, route := range []string{"/read", "/change"} {
					b.Run("scenario="+route[1:]+"/peer="+a.name, func(b *testing.B) {
						scenario{begin: "/begin", route: route, check: "/read"}.measure(b, a)
					})
				}
			}
		})
	}
}

func holdfastKeys(b *testing.B, n int) app {
	m := newManager(b, memory.New(), config())
	return app{name: "Holdfast", net: m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.URL.Path == "/begin" {
			for i := range n - 1 {
				session.NewKey[int](fmt.Sprintf("some-setting-%05d", i)).Set(s, i)
			}
		}
		io.WriteString(w, answer(r.URL.Path, holdfastSession{s}))
	})}
}

func scsKeys(n int, store *memstore.MemStore) app {
	return scsAppWith("scs", store, func(s scsSession) {
		for i := range n - 1 {
			s.Put(s.ctx, fmt.Sprintf("some-setting-%05d", i), i)
		}
	})
}

// BenchmarkSigningKeys measures reads with cookies that the oldest of n keys has
// signed, and that the Manager has not seen before.
func BenchmarkSigningKeys(b *testing.B) {
	const oldest = 0
	p := memory.New()
	cookies := make([][cookieRoom]byte, 50_000)
	beginAll(b, holdfast(b, p, keyNumber(oldest)), cookies)
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			var keys [][]byte
			for i := range n {
				keys = append(keys, keyNumber(oldest+n-1-i))
			}
			v := holdfast(b, p, keys...).visitor(b.Context()).(*netVisitor)
			v.request.Header["Cookie"] = []string{""}
			v.to("/read")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i == len(cookies) { // a Manager that has seen none
					b.StopTimer()
					i, v.handler = 0, holdfast(b, p, keys...).net
					b.StartTimer()
				}
				v.use(cookies[i][:])
				v.send()
			}
			if status, body := v.answer(); status != http.StatusOK || body != "1" {
				b.Errorf("status %d, read %q", status, body)
			}
		})
	}
}

func keyNumber(i int) []byte { return bytes.Repeat([]byte{'a' + byte(i)}, 32) }
