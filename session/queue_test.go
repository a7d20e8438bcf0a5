package session_test

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleQueue(t *testing.T) {
	const writers = 50
	// slow makes every save take a millisecond of the bubble's time, so that all writers
	// that do not wait for each other meet in the store.
	slow := func(hook saveHook) saveHook { return then(func() { time.Sleep(time.Millisecond) }, hook) }

	bubble("parallel writers need attempts in the number of instances, not of requests", t, func(t *testing.T) {
		w, c, _ := begun(t)
		second := w.manager()
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, 10*writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(i int) {
			tab := c.tab()
			if i%2 == 1 {
				tab.m = second
			}
			tab.post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > 4*writers {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("parallel writers of one instance are saved together", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > writers/5 {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("a place is held through the re-run", t, func(t *testing.T) {
		_, c, _ := begun(t)
		meet := barrier(writers)
		var runs atomic.Int64
		parallel(writers, func(int) {
			first := true
			c.tab().get(func(s *session.Session) {
				runs.Add(1)
				n, _ := keyA.Get(s)
				if first {
					first = false
					meet()
				}
				time.Sleep(time.Millisecond)
				keyA.Set(s, n+1)
			}).wantPage(t)
		})
		c.wantState("a=51")
		if n := runs.Load(); n > 4*writers {
			t.Errorf("%d runs for %d requests", n, writers)
		}
	})

	bubble("a place is held through the read-back", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass), slow(landed), slow(dropped)}, 4*writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > 6*writers {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("Session.Update queues, too", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, 10*writers)...)
		var runs atomic.Int64
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) {
				meet()
				wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
					runs.Add(1)
					n, _ := keyA.Get(s)
					keyA.Set(s, n+1)
					return nil
				}), nil)
			}).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := runs.Load(); n > 4*writers {
			t.Errorf("%d runs for %d requests", n, writers)
		}
	})

	t.Run("a save in flight holds up no request", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		p := newPause()
		w.onSave(before(p.here))
		done := make(chan *answer)
		go func() { done <- c.post(add(keyA, 1)) }()
		p.reached()
		tab.post(add(keyA, 10)).wantPage(t)
		p.resume()
		(<-done).wantPage(t)
		c.wantState("a=12")
	})

	t.Run("sessions do not queue behind each other", func(t *testing.T) {
		w, c, _ := begun(t)
		other := w.client()
		other.post(set("a=1"))
		rival := c.tab()
		w.onSave(before(func() { rival.post(add(keyA, 1)) }), pass, // conflict: c is now in the queue
			before(func() { // and keeps its place, while another session conflicts, too
				tab := other.tab()
				w.onSave(before(func() { tab.post(add(keyA, 1)) }))
				other.post(add(keyA, 1)).wantPage(t)
			}))
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=3")
		other.wantState("a=3")
	})
}

func TestRuleQueuePlace(t *testing.T) {
	// waits returns the time for which a request that meets a conflict waits for its
	// place.
	waits := func(w *world, c *client) time.Duration {
		rival, start := c.elsewhere(), time.Now()
		w.onSave(then(func() { rival.post(add(keyB, 1)) }, pass))
		c.post(add(keyA, 1)).wantPage(w.t)
		return time.Since(start)
	}

	bubble("is given up when the commit has ended", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.elsewhere()
		w.onSave(then(func() { rival.post(add(keyB, 1)) }, pass))
		c.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) { add(keyA, 1)(load(t, r)) }).wantPage(t)
		if got := waits(w, c); got > time.Second {
			t.Errorf("the next waits %v", got)
		}
	})

	bubble("is given up by a replay that is refused", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.elsewhere()
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

	// Two requests conflict. When the second joins the queue, the first is in it already,
	// and keeps its place while the store does not answer.
	bubble("who has waited has its StoreTimeout yet, and reads anew", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.StoreTimeout = 3 * time.Second })
		first, rival := c.elsewhere(), c.elsewhere()
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
		// one of the rival's, two and three retries of the first, two of the second
		if n := w.store.Saves.Load() - before; n != 8 {
			t.Errorf("%d saves", n)
		}
	})
}

func TestRuleQueueReadBack(t *testing.T) {
	// The first request is in the queue, and its save is lost. The second waits for it;
	// otherwise the second would be saved first.
	bubble("who waits does so until the other's read-back has told", t, func(t *testing.T) {
		w, c, _ := begun(t)
		first, rival := c.elsewhere(), c.elsewhere()
		hang := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		done := make(chan *answer, 1)
		w.onSave(then(func() {
			w.onSave(then(func() { rival.post(add(keyB, 1)).wantPage(t) }, pass), pass, hang)
			go func() {
				done <- first.post(func(s *session.Session) { keyA.Update(s, func(n int) int { return 10 * n }) })
			}()
			synctest.Wait()
		}, pass))
		c.post(add(keyA, 1)).wantPage(t)
		(<-done).wantPage(t)
		c.wantState("a=11 b=1")
	})
}

// A conflict after the inner handler has returned must not keep the place in the queue:
// all others would wait for it.
func TestPlaceInTheQueueIsLeftByMiddlewareAroundReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.elsewhere()
		leaf := w.m.HandlerFunc(func(http.ResponseWriter, *http.Request, *session.Session) {})
		w.onSave(
			before(func() { rival.post(set("c=1")) }), pass,
			before(func() { rival.post(set("b=1")) }),
		)
		a := c.handle(http.MethodGet, func(rw http.ResponseWriter, r *http.Request) {
			leaf.ServeHTTP(rw, r)
			s, _ := session.Load(r.Context())
			keyB.Get(s)
			keyB.Set(s, 5)
		})
		a.wantError(t, http.StatusConflict, session.ErrConflict)

		began := time.Now()
		w.onSave(before(func() { rival.post(set("c=2")) }))
		c.post(set("a=3")).wantPage(t)
		if waited := time.Since(began); waited >= time.Second {
			t.Errorf("the next conflict waited %v for a place that nobody holds", waited)
		}
	})
}

// A request that has met a conflict keeps its place in the queue until the conflict is
// resolved, not until the response ends.
func TestPlaceInTheQueueIsLeftBeforeTheRequestEnds(t *testing.T) {
	quick := func(t *testing.T, w *world, c *client) {
		t.Helper()
		rival, began := c.elsewhere(), time.Now()
		w.onSave(before(func() { rival.post(set("c=2")) }))
		c.tab().post(add(keyA, 1)).wantPage(t)
		if waited := time.Since(began); waited >= time.Second {
			t.Errorf("a conflict waited %v", waited)
		}
	}
	bubble("after a commit that landed", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.elsewhere()
		w.onSave(before(func() { rival.post(set("b=1")) }))
		c.post(func(s *session.Session) {
			keyA.Update(s, increment)
			wantErr(t, s.Save(t.Context()), nil)
			quick(t, w, c)
		}).wantPage(t)
	})
	bubble("after a handler that may not run again", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.elsewhere()
		leaf := w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Pop(s) })
		w.onSave(
			before(func() { rival.post(set("c=1")) }), pass,
			before(func() { rival.post(set("a=5")) }), pass,
		)
		c.handle(http.MethodGet, func(rw http.ResponseWriter, r *http.Request) {
			leaf.ServeHTTP(rw, r)
			quick(t, w, c)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=6 c=2")
	})
}
