package session_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// during returns a function that runs do and then renews to 2.
func during(do func()) func(context.Context, int) (int, error) {
	return func(context.Context, int) (int, error) {
		do()
		return 2, nil
	}
}

// If another request ends the session while the function runs, the caller gets what the
// function has made, and it reaches no session.
func TestRuleRefreshOfASessionThatEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(t *testing.T, w *world, c *client)
		want string // what the cookie of the other request opens
	}{
		"destroyed":              {func(t *testing.T, _ *world, c *client) { c.post(destroy).wantPage(t) }, "empty"},
		"renewed":                {func(t *testing.T, _ *world, c *client) { c.post(renew).wantPage(t) }, "a=1"},
		"destroyed and begun":    {func(t *testing.T, _ *world, c *client) { c.post(inOrder(destroy, set("b=1"))).wantPage(t) }, "b=1"},
		"revoked":                {func(t *testing.T, w *world, c *client) { wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil) }, "empty"},
		"expired":                {func(*testing.T, *world, *client) { time.Sleep(25 * time.Hour) }, "empty"},
		"lost by the store":      {func(_ *testing.T, w *world, c *client) { w.erase(c.sessionID()) }, "empty"},
		"renewed more than once": {func(t *testing.T, _ *world, c *client) { c.post(renew).wantPage(t); c.post(renew).wantPage(t) }, "a=1"},
	} {
		bubble(name, t, func(t *testing.T) {
			w, c, _ := begun(t)
			other := c.tab()
			c.post(refreshing(t, 1, 2, session.ErrEnded, during(func() { tc.end(t, w, other) })))
			other.wantState(tc.want)
			c.wantState("empty")
		})
	}
}

// The request itself may renew or destroy its session while its function runs.
func TestRuleRefreshAcrossItsOwnRenew(t *testing.T) {
	for name, tc := range map[string]struct {
		do      func(*session.Session)
		value   int
		want    string
		wantErr error
	}{
		"renews and saves":    {inOrder(renew, saves), 2, "a=2", nil},
		"renews":              {renew, 2, "a=2", nil},
		"changes another key": {set("b=1"), 2, "a=2 b=1", nil},
		"saves another key":   {inOrder(set("b=1"), saves), 2, "a=2 b=1", nil},
		"destroys":            {destroy, 2, "empty", session.ErrEnded},
		"destroys and begins": {inOrder(destroy, set("b=1"), saves), 2, "b=1", session.ErrEnded},
	} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t)
			c.post(func(s *session.Session) {
				refreshing(t, 1, tc.value, tc.wantErr, during(func() { tc.do(s) }))(s)
			}).wantPage(t)
			c.wantState(tc.want)
		})
	}
}

// saves is a handler that saves.
func saves(s *session.Session) {
	if err := s.Save(context.Background()); err != nil {
		panic(err)
	}
}

// A lease moves with a renewal, so that nobody runs the function beside its holder.
func TestRuleRenewKeepsTheLease(t *testing.T) {
	bubble("waits", t, func(t *testing.T) {
		_, c, _ := begun(t)
		other := c.tab()
		var runs atomic.Int64
		c.post(refreshing(t, 1, 2, session.ErrEnded, during(func() {
			other.post(renew).wantPage(t)
			other.post(func(s *session.Session) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := keyA.Refresh(ctx, s, is(1), to(3, &runs))
				wantErr(t, err, context.DeadlineExceeded)
			}).wantPage(t)
		})))
		if runs.Load() != 0 {
			t.Error("ran beside the holder")
		}
	})
}

// A session that is not stored is begun by the result, unless its cookie is too late.
func TestRuleRefreshOfASessionThatIsNotStored(t *testing.T) {
	var runs atomic.Int64
	for name, tc := range map[string]struct {
		fn   func(*session.Session)
		want string
	}{
		"new":                      {refreshing(t, 0, 2, nil, to(2, &runs)), "a=2"},
		"with other changes":       {inOrder(set("b=1"), refreshing(t, 0, 2, nil, to(2, &runs))), "a=2 b=1"},
		"with a change of the key": {inOrder(set("a=1"), refreshing(t, 1, 2, nil, to(2, &runs))), "a=2"},
		"after Clear":              {inOrder(set("b=1"), clearAll, refreshing(t, 0, 2, nil, to(2, &runs))), "a=2"},
		"fails":                    {refreshing(t, 0, 5, errBroken, func(context.Context, int) (int, error) { return 5, errBroken }), "empty"},
		"with a Renew":             {inOrder(renew, refreshing(t, 0, 2, nil, to(2, &runs))), "a=2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(tc.fn).wantPage(t)
			c.wantState(tc.want)
		})
	}
	t.Run("saved by the function", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			refreshing(t, 0, 2, nil, during(func() { inOrder(set("b=1"), saves)(s) }))(s)
		}).wantPage(t)
		c.wantState("a=2 b=1")
	})
	t.Run("after Destroy", func(t *testing.T) {
		w, c, id := begun(t)
		c.post(inOrder(destroy, refreshing(t, 0, 2, nil, to(2, &runs)))).wantPage(t)
		c.wantState("a=2")
		if w.lives(id) {
			t.Error("the destroyed session lives")
		}
	})
}

// The result stays, whatever becomes of the request.
func TestRuleRefreshOutlivesItsRequest(t *testing.T) {
	var runs atomic.Int64
	for name, fn := range map[string]func(*client, func(*session.Session)) *answer{
		"an error response": func(c *client, do func(*session.Session)) *answer {
			return c.send("GET", func(w http.ResponseWriter, _ *http.Request, s *session.Session) { do(s); w.WriteHeader(500) })
		},
		"a conflict": func(c *client, do func(*session.Session)) *answer {
			return c.send("GET", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				keyB.Get(s)
				do(s)
				c.tab().post(set("b=5"))
				keyB.Set(s, 1)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			runs.Store(0)
			_, c, _ := begun(t)
			if a := fn(c, refreshing(t, 1, 2, nil, to(2, &runs))); a.Code < 400 {
				t.Errorf("status %d", a.Code)
			}
			if n := runs.Load(); n != 1 {
				t.Errorf("%d runs", n)
			}
			if got := c.state(); got != "a=2" && got != "a=2 b=5" {
				t.Error(got)
			}
		})
	}
}

// What stale has seen was seen: it must not get into another session.
func TestRuleRefreshShowsWhatMustNotBeCarriedOver(t *testing.T) {
	_, c, _ := begun(t)
	other := c.tab()
	c.post(func(s *session.Session) {
		refreshing(t, 1, 0, errBroken, func(context.Context, int) (int, error) {
			other.post(destroy).wantPage(t)
			return 0, errBroken
		})(s)
		keyB.Set(s, 5)
		s.Renew()
	}).wantError(t, 409, session.ErrEnded)
}
