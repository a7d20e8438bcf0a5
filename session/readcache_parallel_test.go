package session_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// TestRuleParallelReads is about requests that need the same record at the same time.
func TestRuleParallelReads(t *testing.T) {
	bubble("the requests of a page take one trip", t, func(t *testing.T) {
		w, c, _ := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		before := w.m.ReadCacheStats()
		trips := w.trips(func() {
			first := w.slowly(func() { c.tab().wantPage(t, w.m, "a=1") })
			others := c.pages(t, w.m, 4, "a=1")
			synctest.Wait()
			first()
			others()
		})
		if trips != 1 {
			t.Errorf("%d trips; want 1", trips)
		}
		after := w.m.ReadCacheStats()
		if hits, stale := after.Hits-before.Hits, after.Stale-before.Stale; hits != 4 || stale != 1 {
			t.Errorf("%d hits and %d that are too old; want 4 and 1", hits, stale)
		}
	})

	bubble("a request that needs a newer version reads it", t, func(t *testing.T) {
		w, c, second := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		old := c.tab()
		delete(old.jar, "session-version")
		first := w.slowly(func() { old.wantPage(t, second, "a=1") })
		c.post(set("a=2")).wantPage(t)
		others := c.pages(t, second, 1, "a=2")
		synctest.Wait()
		w.wantTrips(t, 1, func() { first(); others() })
	})

	bubble("after the end of the session, a request reads it again", t, func(t *testing.T) {
		w, c, second := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		first := w.slowly(func() { c.tab().wantPage(t, second, "a=1") })
		others := c.pages(t, second, 1, "empty")
		synctest.Wait()
		wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil)
		synctest.Wait()
		w.wantTrips(t, 1, func() { first(); others() })
	})

	bubble("if a read fails, those who have waited read themselves", t, func(t *testing.T) {
		w, c, _ := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		fail := make(chan struct{})
		w.onFetch(func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			<-fail
			return nil, errBroken
		})
		go c.tab().readAt(w.m, func(*session.Session) {})
		synctest.Wait()
		others := c.pages(t, w.m, 2, "a=1")
		synctest.Wait()
		trips := w.trips(func() { close(fail); others() })
		if trips < 1 || trips > 2 { // the second may find what the first has read
			t.Errorf("%d trips; want one for each at most", trips)
		}
		c.wantRead(t, w.m, "a=1", 0)
	})

	bubble("a request does not wait long for a read that hangs", t, func(t *testing.T) {
		w, c, _ := readers(t, func(cfg *session.Config) { cfg.StoreTimeout = 10 * time.Second })
		time.Sleep(maxStale + time.Millisecond)
		first := w.slowly(func() { c.tab().wantPage(t, w.m, "a=1") })
		began := time.Now()
		c.wantRead(t, w.m, "a=1", 1)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("it has waited for %v; want a tenth of StoreTimeout", waited)
		}
		first()
	})

	bubble("requests that may use no copy do not wait", t, func(t *testing.T) {
		w, c, _ := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		first := w.slowly(func() { c.tab().wantPage(t, w.m, "a=1") })
		began := time.Now()
		w.wantTrips(t, 1, func() { c.do(http.MethodPost, func(s *session.Session) { keyA.Get(s) }) })
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a POST has waited for %v", waited)
		}
		first()
	})

	bubble("while the broadcast is not heard, requests do not wait", t, func(t *testing.T) {
		w := newWorld(t)
		w.store.OnListen = func(ctx context.Context, _ func(), _ func([]byte), _ storetest.ListenFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		t.Cleanup(func() { time.Sleep(5 * time.Minute) })
		c := w.client()
		c.post(set("a=1"))
		second := w.manager(copies)
		first := w.slowly(func() { c.tab().wantPage(t, second, "a=1") })
		began := time.Now()
		c.wantRead(t, second, "a=1", 1)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a request has waited for %v", waited)
		}
		first()
	})
}

// wantPage checks that a GET of c at m shows the values.
func (c *client) wantPage(t *testing.T, m *session.Manager, values string) {
	t.Helper()
	var got string
	c.readAt(m, func(s *session.Session) { got = show(s) })
	if got != values {
		t.Errorf("the session has %q; want %q", got, values)
	}
}

// pages starts n requests of tabs of c's browser. The returned function waits for them.
func (c *client) pages(t *testing.T, m *session.Manager, n int, values string) (wait func()) {
	done := make(chan struct{})
	tabs := make([]*client, n)
	for i := range tabs {
		tabs[i] = c.tab()
	}
	go func() {
		defer close(done)
		parallel(n, func(i int) { tabs[i].wantPage(t, m, values) })
	}()
	return func() { <-done }
}
