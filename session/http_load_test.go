package session_test

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// httpScale returns n, or fewer where n would take too long.
func httpScale(n int) int {
	if httpRace {
		n /= 40
	}
	if testing.Short() {
		n /= 20
	}
	return n
}

// httpSink is the cheapest http.ResponseWriter.
type httpSink struct {
	header http.Header
	status int
}

func (w *httpSink) Header() http.Header         { return w.header }
func (w *httpSink) Write(p []byte) (int, error) { w.WriteHeader(200); return len(p), nil }
func (w *httpSink) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// httpServeTo runs h in-process with that Cookie header, if any.
func httpServeTo(h http.Handler, cookie string) *httpSink {
	w := &httpSink{header: http.Header{}}
	r := &http.Request{Method: "GET", URL: &url.URL{Path: "/"}, Host: "example.com", Header: http.Header{}, Body: http.NoBody}
	if cookie != "" {
		r.Header["Cookie"] = []string{cookie}
	}
	h.ServeHTTP(w, r)
	return w
}

// httpReading is a leaf that only reads.
func httpReading(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	httpName.Get(s)
	w.WriteHeader(http.StatusNoContent)
}

func TestHTTPAnonymousRequestsCostNothing(t *testing.T) {
	env := httpNewRing(t, session.Config{})
	h := []http.Handler{env.HandlerFunc(httpReading), httpWithHandler(env.Manager, httpReading)}
	n := httpScale(100_000)
	for i := range n {
		if a := httpServeTo(h[i%2], ""); a.status != 204 || a.header.Get("Set-Cookie") != "" {
			t.Fatalf("request %d: %d, %v", i, a.status, a.header)
		}
	}
	if trips := env.store.Trips(); trips != 0 {
		t.Errorf("%d trips for %d anonymous requests", trips, n)
	}
}

// httpForger makes invalid cookies from a valid one.
type httpForger struct {
	*rand.Rand
	seed         uint64
	valid, other string // signed with our key, and with another
}

func (f httpForger) forge() string {
	switch f.IntN(6) {
	case 0: // cut
		return f.valid[:f.IntN(len(f.valid))]
	case 1: // one bit of the signed bytes differs; the last character's low bits may be padding
		raw, err := base64.URLEncoding.DecodeString(f.valid)
		if err != nil {
			return f.valid + "A"
		}
		raw[f.IntN(len(raw))] ^= 1 << f.IntN(8)
		return base64.URLEncoding.EncodeToString(raw)
	case 2: // one character differs
		return f.swap(f.valid)
	case 3: // signed with another key
		return f.other
	case 4: // longer
		return f.valid + f.valid[:1+f.IntN(len(f.valid)-1)]
	default: // random bytes
		raw := make([]byte, f.IntN(200))
		for i := range raw {
			raw[i] = byte(f.Uint32())
		}
		return base64.URLEncoding.EncodeToString(raw)
	}
}

// swap replaces a character, but not one of the last four, where base64 has
// more than one spelling of the same bytes.
func (f httpForger) swap(s string) string {
	i := f.IntN(len(s) - 4)
	c := byte('a' + f.IntN(26))
	if s[i] == c {
		c = '-'
	}
	return s[:i] + string(c) + s[i+1:]
}

// httpCookieOf begins a session in-process and returns its cookie's value.
func httpCookieOf(t testing.TB, m *session.Manager) string {
	t.Helper()
	a := httpServeTo(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		httpName.Set(s, "begun")
	}), "")
	_, value, _ := strings.Cut(a.header.Get("Set-Cookie"), "=")
	value, _, ok := strings.Cut(value, ";")
	if !ok {
		t.Fatalf("no session: %d %v", a.status, a.header)
	}
	return value
}

func httpNewForger(t testing.TB, m *session.Manager) httpForger {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	other := httpNewRing(t, session.Config{SigningKeys: [][]byte{[]byte(strings.Repeat("other", 8))}})
	return httpForger{rand.New(rand.NewPCG(seed, 0)), seed, httpCookieOf(t, m), httpCookieOf(t, other.Manager)}
}

func TestHTTPForgedCookiesCostNoTripWithSigningKeys(t *testing.T) {
	env := httpNew(t, session.Config{})
	f := httpNewForger(t, env.Manager)
	if a := httpServeTo(env.HandlerFunc(httpReading), "session="+f.valid); env.store.Fetches.Load() != 1 {
		t.Fatalf("the cookie to forge is not valid: %v", a)
	}
	h := []http.Handler{env.HandlerFunc(httpReading), httpWithHandler(env.Manager, httpReading)}
	trips, n := env.store.Trips(), httpScale(1_000_000)
	parallel(len(h), func(i int) {
		f := f
		f.Rand = rand.New(rand.NewPCG(f.seed, uint64(i)))
		for range n / len(h) {
			cookie := f.forge()
			if a := httpServeTo(h[i], "session="+cookie); a.status != 204 || a.header.Get("Set-Cookie") != "" {
				t.Errorf("cookie %q: %d, %v", cookie, a.status, a.header)
				return
			}
		}
	})
	if trips = env.store.Trips() - trips; trips != 0 {
		t.Errorf("%d trips for %d forged cookies", trips, n)
	}
	t.Logf("%d forged cookies, %d trips", n, trips)
}

func TestHTTPForgedCookiesRefreshTheKeyRingAtMostOnceIn10s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := httpNewRing(t, session.Config{})
		f := httpNewForger(t, env.Manager)
		h := env.HandlerFunc(httpReading)
		const seconds = 60
		before, perSecond := env.store.Trips(), httpScale(200_000)/seconds
		for range seconds {
			for range perSecond {
				cookie := f.forge()
				if a := httpServeTo(h, "session="+cookie); a.status != 204 || a.header.Get("Set-Cookie") != "" {
					t.Fatalf("cookie %q: %d, %v", cookie, a.status, a.header)
				}
			}
			parallel(50, func(int) { httpServeTo(h, "session="+f.other) })
			time.Sleep(time.Second)
		}
		if trips := env.store.Trips() - before; trips > seconds/10+1 {
			t.Errorf("%d trips in %d s", trips, seconds)
		}
	})
}

func TestHTTPManagersLeaveNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		synctest.Wait()
		before := httpBubble()
		for range 100 {
			env := httpNewRing(t, session.Config{})
			cookie := "session=" + httpCookieOf(t, env.Manager)
			h := env.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				httpBump(s)
				s.Renew()
			})
			parallel(4, func(int) { httpServeTo(h, cookie) })
			env.failSaves()
			parallel(4, func(int) { httpServeTo(h, cookie) })
		}
		synctest.Wait()
		if after := httpBubble(); after != before {
			t.Errorf("%d goroutines after 100 Managers, %d before", after, before)
		}
	})
}

// httpBubble counts the goroutines of the calling synctest bubble.
func httpBubble() int {
	stacks := make([]byte, 1<<22)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), "synctest bubble ")
}
