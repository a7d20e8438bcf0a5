package session_test

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestClosureThatPanicsAtACommitLosesNothing(t *testing.T) {
	w, c, _ := begun(t)
	rival := c.tab()
	w.onSave(before(func() { rival.post(set("a=10")) }))
	c.post(func(s *session.Session) {
		keyA.Update(s, func(n int) int {
			if n == 10 {
				panic("ten")
			}
			return n + 1
		})
		keyB.Set(s, 2)
		if got := panicOf(func() { _ = s.Save(t.Context()) }); got != "ten" {
			t.Errorf("Save panicked with %v", got)
		}
		if got := show(s); got != "a=2 b=2" {
			t.Errorf("the request sees %q", got)
		}
		if got := panicOf(func() { wantErr(t, s.Save(t.Context()), nil) }); got != "ten" {
			t.Errorf("a second Save ended with %v", got)
		}
		keyA.Set(s, 3) // in place of the Update
		s.Clear()
		wantErr(t, s.Save(t.Context()), session.ErrConflict) // what Update saw has changed
	})
	c.wantState("a=10")
}

func panicOf(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

func TestClosureThatSetsItsOwnKeyIsAnError(t *testing.T) {
	_, c, _ := begun(t)
	a := c.post(func(s *session.Session) {
		keyA.Update(s, func(n int) int { keyA.Set(s, n+1); return n + 2 })
	})
	a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
	c.wantState("a=1")
}

// A conflict after a leaf has returned must not keep the place in the lane: all
// others would wait for it.
func TestPlaceInTheLaneIsLeftByMiddlewareAroundALeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
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

func TestPersistIsCappedBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) { s.Persist(math.MaxInt64) }).wantPage(t)
		c.post(func(s *session.Session) {
			if left := time.Until(s.ExpiresAt()); left > 30*24*time.Hour || left < 29*24*time.Hour {
				t.Errorf("it ends in %v", left)
			}
		}).wantPage(t)
	})
}

func TestMaxSizeLeavesTheHistoryOut(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 60 })
	c := w.client()
	for i := range 100 {
		c.post(set(fmt.Sprint("a=", i%10))).wantPage(t)
	}
	c.post(func(s *session.Session) { s.Renew() }).wantPage(t)
	c.wantState("a=9")
}

// A Save that has nothing to store has done what it was asked for. A later
// commit of the request must not do it again over what others have saved since.
func TestChangeThatCameToNothingIsNotMadeLater(t *testing.T) {
	for name, change := range map[string]func(*session.Session){
		"a Set to the same value": set("a=1"),
		"a Delete of nothing":     keyB.Delete,
	} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t)
			c.post(func(s *session.Session) {
				change(s)
				wantErr(t, s.Save(t.Context()), nil)
				c.tab().post(set("a=2 b=2"))
				keyC.Set(s, 3)
			}).wantPage(t)
			c.wantState("a=2 b=2 c=3")
		})
	}
}

func TestRenewThatQueuesAndThenFindsATombstoneStartsOver(t *testing.T) {
	bubble("and is no error", t, func(t *testing.T) {
		w, c, _ := begun(t)
		first, rival, other := c.tab(), c.tab(), c.tab()
		w.onSave(pass, then(func() {
			w.onSave(then(func() { rival.post(add(keyB, 1)).wantPage(t) }, pass), pass,
				then(func() { time.Sleep(time.Second); other.post(login).wantPage(t) }, pass))
			go first.post(add(keyA, 1))
			synctest.Wait()
		}, pass))
		c.post(login).wantPage(t)
		c.wantState("c=1")
	})
}

// Who has met a conflict holds a place in the lane until that is over, not until
// its response is.
func TestPlaceInTheLaneIsLeftBeforeTheRequestEnds(t *testing.T) {
	quick := func(t *testing.T, w *world, c *client) {
		t.Helper()
		rival, began := c.tab(), time.Now()
		w.onSave(before(func() { rival.post(set("c=2")) }))
		c.tab().post(add(keyA, 1)).wantPage(t)
		if waited := time.Since(began); waited >= time.Second {
			t.Errorf("a conflict waited %v", waited)
		}
	}
	bubble("after a commit that landed", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(before(func() { rival.post(set("b=1")) }))
		c.post(func(s *session.Session) {
			keyA.Update(s, increment)
			wantErr(t, s.Save(t.Context()), nil)
			quick(t, w, c)
		}).wantPage(t)
	})
	bubble("after a leaf that may not run again", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
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

func TestPersistentSessionEndsWithAShortenedMaxLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) { s.Persist(20 * 24 * time.Hour) }).wantPage(t)
		c.m = w.manager(func(cfg *session.Config) { cfg.PersistLifetime = 10 * 24 * time.Hour })
		time.Sleep(10*24*time.Hour - time.Minute)
		c.wantState("a=1")
		time.Sleep(2 * time.Minute)
		c.wantState("empty")
	})
}
