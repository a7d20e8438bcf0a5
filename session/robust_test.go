package session_test

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

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
