package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// copiesSite is two instances. One has copies; it listens through the proxy, and reads
// directly, so that its messages alone can be harmed.
type copiesSite struct {
	site
	maxStale       time.Duration
	copying, other *session.Manager
	oldest         atomic.Int64 // age of a copy that was served, as the Observer was told
}

func newCopiesSite(t *testing.T, s subject, server *testserver.Server, maxStale time.Duration) *copiesSite {
	t.Helper()
	space := stores.Space()
	proxy := newProxy(t, server.Addr)
	listening := s.At(t, proxy.through(server.URL), space)
	c := &copiesSite{site: site{server, proxy}, maxStale: maxStale}
	c.other = c.manager(t, s.At(t, server.URL, space), 0)
	c.copying = c.manager(t, &storetest.Store{
		Provider: s.At(t, server.URL, space),
		OnListen: func(ctx context.Context, ready func(), heard func([]byte), _ storetest.ListenFunc) error {
			return provider.Listen(ctx, listening, ready, heard)
		},
	}, maxStale)
	c.awaitCopies(t)
	return c
}

func (c *copiesSite) manager(t *testing.T, p provider.Provider, maxStale time.Duration) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.Config{
		SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
		StoreTimeout: 10 * storeTimeout,
		Logger:       slog.New(slog.DiscardHandler),
		ReadCache:    session.ReadCache{MaxStale: maxStale},
		Observer: func(_ context.Context, e session.Event) {
			if n := e.Age.Nanoseconds(); e.Op == session.OpLoad && n > c.oldest.Load() {
				c.oldest.Store(n)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// begin begins a session and returns its cookie, which is read at the instance with copies.
func (c *copiesSite) begin(t *testing.T) (cookie *http.Cookie, publicID string) {
	t.Helper()
	w := httptest.NewRecorder()
	c.other.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		if err := s.Save(r.Context()); err != nil {
			t.Error(err)
		}
		publicID = s.PublicID()
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("status %d, cookies %v", w.Code, cookies)
	}
	c.read(cookies[0])
	return cookies[0], publicID
}

// What a read has found.
const (
	live   = "live"
	ended  = "ended"
	failed = "failed" // the store has not answered
)

// read sends a GET to the instance with copies.
func (c *copiesSite) read(cookie *http.Cookie) (found string) {
	found = failed
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(cookie)
	c.copying.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		found = live
		if s.IsNew() {
			found = ended
		}
	}).ServeHTTP(httptest.NewRecorder(), r)
	return found
}

// awaitCopies waits until messages are heard, so that copies are used.
func (c *copiesSite) awaitCopies(t *testing.T) {
	t.Helper()
	cookie, _ := c.begin(t)
	before := c.copying.ReadCacheStats().Hits
	eventually(t, func() bool {
		c.read(cookie)
		return c.copying.ReadCacheStats().Hits > before
	}, func() string { return fmt.Sprintf("no copy is used: %+v", c.copying.ReadCacheStats()) })
}

// staleness reads until the session is not found live, and returns for how long after since
// it was. Nothing was read from the store in between, so that is an age of the copy at
// least.
func (c *copiesSite) staleness(t *testing.T, cookie *http.Cookie, since time.Time) (oldest time.Duration) {
	t.Helper()
	eventually(t, func() bool {
		began := time.Now()
		if c.read(cookie) != live {
			return true
		}
		oldest = max(oldest, began.Sub(since))
		return false
	}, func() string { return fmt.Sprintf("still live after %v", oldest) })
	return oldest
}

// copyFaults are what happens to messages, before a session is revoked.
var copyFaults = map[string]func(*copiesSite){
	"delayed": func(c *copiesSite) { c.proxy.poison(lateAnswers...) },
	"lost":    func(c *copiesSite) { c.proxy.poison(blackHole...) },
	"cut":     func(c *copiesSite) { c.proxy.poison(resetAnswers...) },
	"cut, and back again and again": func(c *copiesSite) {
		c.proxy.move(c.server.Addr)
	},
	"heard": func(*copiesSite) {},
}

// onBroadcasts runs a test on each store that broadcasts, all at the same time, since most of
// it is waiting.
func onBroadcasts(t *testing.T, test func(*testing.T, subject)) {
	var group sync.WaitGroup
	defer group.Wait()
	for _, s := range subjects {
		if s.broadcasts {
			group.Go(func() { t.Run(s.Name, func(t *testing.T) { test(t, s) }) })
		}
	}
}

const (
	shortMaxStale = 400 * time.Millisecond
	maxRounds     = 30
)

// Whatever becomes of the messages of revocations, no copy is served that is older than
// MaxStale.
func TestOldestCopy(t *testing.T) {
	onBroadcasts(t, func(t *testing.T, s subject) {
		server := s.serve(t)
		for name, strike := range copyFaults {
			t.Run(name, func(t *testing.T) { testOldestCopy(t, s, server, name == "delayed" || name == "lost", strike) })
		}
		t.Run("frozen server", func(t *testing.T) { testOldestCopyOfFrozenServer(t, s, server) })
	})
}

// testOldestCopy revokes sessions under a fault, one after the other. If no message is to
// arrive, it goes on until a copy has outlived a revocation, which is what is measured.
func testOldestCopy(t *testing.T, s subject, server *testserver.Server, outlives bool, strike func(*copiesSite)) {
	c := newCopiesSite(t, s, server, shortMaxStale)
	var oldest time.Duration
	for round := range maxRounds {
		if outlives && oldest > 0 || !outlives && round == 3 {
			break
		}
		c.proxy.heal()
		c.awaitCopies(t)
		cookie, id := c.begin(t)
		strike(c)
		if err := c.other.Revoke(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		oldest = max(oldest, c.staleness(t, cookie, time.Now()))
	}
	c.wantYoung(t, oldest)
	if outlives && oldest == 0 {
		t.Errorf("no copy has outlived a revocation in %d rounds: %+v", maxRounds, c.copying.ReadCacheStats())
	}
}

// testOldestCopyOfFrozenServer freezes the server by SIGSTOP: nothing can be read or heard,
// and copies are served until they are too old.
func testOldestCopyOfFrozenServer(t *testing.T, s subject, server *testserver.Server) {
	c := newCopiesSite(t, s, server, shortMaxStale)
	var oldest time.Duration
	for round := 1; oldest == 0 && round <= maxRounds; round++ {
		c.awaitCopies(t)
		cookie, _ := c.begin(t)
		server.Freeze()
		oldest = c.staleness(t, cookie, time.Now())
		server.Thaw()
	}
	c.wantYoung(t, oldest)
	if oldest == 0 {
		t.Error("no copy was served while the server was frozen")
	}
}

func (c *copiesSite) wantYoung(t *testing.T, oldest time.Duration) {
	t.Helper()
	told := time.Duration(c.oldest.Load())
	t.Logf("the oldest copy was at least %v old, and at most %v", oldest, told)
	if oldest > c.maxStale || told > c.maxStale {
		t.Errorf("a copy of %v, by the Observer of %v, was served; want %v at most", oldest, told, c.maxStale)
	}
	if told < oldest {
		t.Errorf("the Observer was told of no copy older than %v; one of %v was served", told, oldest)
	}
}

// While the connection of the listener is lost, copies are not used, however young: a
// revocation whose message is missed holds at once. MaxStale is an hour, so nothing but that
// ends their use.
func TestCopiesAreNotUsedWhileNothingIsHeard(t *testing.T) {
	onBroadcasts(t, func(t *testing.T, s subject) {
		c := newCopiesSite(t, s, s.serve(t), time.Hour)
		cookies, ids := make([]*http.Cookie, 20), make([]string, 20)
		for i := range cookies {
			cookies[i], ids[i] = c.begin(t)
		}
		c.proxy.poison(resetRequests...)
		c.proxy.poison(resetAnswers...)
		eventually(t, func() bool {
			before := c.copying.ReadCacheStats().Deaf
			c.read(cookies[0])
			return c.copying.ReadCacheStats().Deaf > before
		}, func() string { return "the lost connection is not noticed" })
		hits := c.copying.ReadCacheStats().Hits
		for i, cookie := range cookies {
			if found := c.read(cookie); found != live {
				t.Errorf("a session is %s", found)
			}
			if err := c.other.Revoke(t.Context(), ids[i]); err != nil {
				t.Fatal(err)
			}
			if found := c.read(cookie); found != ended {
				t.Errorf("a revoked session is %s", found)
			}
		}
		if n := c.copying.ReadCacheStats().Hits - hits; n > 0 {
			t.Errorf("%d copies were used", n)
		}
		c.proxy.heal()
		c.awaitCopies(t)
		for _, cookie := range cookies {
			if found := c.read(cookie); found != ended {
				t.Errorf("a session that was revoked while nothing was heard is %s", found)
			}
		}
	})
}

// A revocation whose message is heard holds, though copies may be used for an hour.
func TestHeardRevocationsRemoveCopies(t *testing.T) {
	onBroadcasts(t, func(t *testing.T, s subject) {
		c := newCopiesSite(t, s, s.serve(t), time.Hour)
		for range 20 {
			cookie, id := c.begin(t)
			if found := c.read(cookie); found != live {
				t.Fatalf("a session is %s", found)
			}
			if err := c.other.Revoke(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			c.staleness(t, cookie, time.Now())
		}
		if c.copying.ReadCacheStats().Hits == 0 {
			t.Error("no copy was used")
		}
	})
}
