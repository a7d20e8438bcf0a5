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

func TestRuleQueuePlace(t *testing.T) {
	// waits returns how long a request waits for its place that meets a conflict.
	waits := func(w *world, c *client) time.Duration {
		rival, start := c.tab(), time.Now()
		w.onSave(then(func() { rival.post(add(keyB, 1)) }, pass))
		c.post(add(keyA, 1)).wantPage(w.t)
		return time.Since(start)
	}

	bubble("is given up when the commit has ended", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(then(func() { rival.post(add(keyB, 1)) }, pass))
		c.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) { add(keyA, 1)(load(t, r)) }).wantPage(t)
		if got := waits(w, c); got > time.Second {
			t.Errorf("the next waits %v", got)
		}
	})

	bubble("is given up by a replay that is refused", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		inner := c.m.Replay(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			keyA.Set(s, 5)
			rival.post(set("a=3"))
		}))
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			keyA.Get(load(t, r))
			inner.ServeHTTP(w, r)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		if got := waits(w, c); got > time.Second {
			t.Errorf("the next waits %v", got)
		}
	})

	// Two requests conflict; the second comes to the queue when the first is in
	// it already, which then holds its place by a store that does not answer.
	bubble("who has waited has its StoreTimeout yet, and reads anew", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.StoreTimeout = 3 * time.Second })
		first, rival := c.tab(), c.tab()
		hang := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		done := make(chan *answer, 1)
		w.onSave(then(func() {
			time.Sleep(time.Second)
			w.onSave(then(func() { rival.post(add(keyB, 1)).wantPage(t) }, pass), pass, hang, hang, hang, pass)
			go func() { done <- first.post(add(keyA, 1)) }()
			synctest.Wait()
		}, pass))
		before := w.store.Saves.Load()
		c.post(add(keyA, 1)).wantPage(t)
		(<-done).wantPage(t)
		c.wantState("a=3 b=1")
		// rival's, two and three retries of the first's, two of the second's
		if n := w.store.Saves.Load() - before; n != 8 {
			t.Errorf("%d saves", n)
		}
	})
}

// An instance that a rolling deploy has given a shorter IdleTimeout, or whose
// clock is behind, takes nothing from a session's time.
func TestRuleExpiryNeverDecreases(t *testing.T) {
	w, c, id := begun(t)
	before := w.stored(id).ExpiresAt
	c.m = w.manager(func(cfg *session.Config) { cfg.IdleTimeout = 10 * time.Minute })
	c.post(set("b=1")).wantPage(t)
	if after := w.stored(id).ExpiresAt; after.Before(before) {
		t.Errorf("from %v to %v", before, after)
	}
}
