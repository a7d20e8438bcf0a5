package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleCosts(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		fn      func(*session.Session)
		trips   int64
		cookies int
	}{
		{"reads", read(keyA, keyB), 1, 0},
		{"lists", func(s *session.Session) { s.Keys() }, 1, 0},
		{"reads and changes", inOrder(read(keyA), set("a=2")), 2, 0},
		{"updates", add(keyA, 1), 2, 0},
		{"deletes", del(keyA), 2, 0},
		{"changes many keys", set("a=2 b=2 c=2"), 2, 0},
		{"sets values to what they were", set("a=1"), 1, 0},
		{"sets values to what they were, in the end", inOrder(set("a=2"), set("a=1")), 1, 0},
		{"asks for its public ID and times", func(s *session.Session) { s.PublicID(); s.CreatedAt(); s.ExpiresAt(); s.IsNew() }, 1, 0},
		{"renews", renew, 3, 1},
		{"destroys", destroy, 2, 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			for name, serve := range map[string]func(*client) *answer{
				"HandlerFunc": func(c *client) *answer { return c.post(tc.fn) },
				"Handler": func(c *client) *answer {
					return c.handle("POST", func(_ http.ResponseWriter, r *http.Request) { tc.fn(load(t, r)) })
				},
				"Handler around HandlerFunc": func(c *client) *answer {
					return c.serve(c.m.Handler(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { tc.fn(s) })), request("POST", ""))
				},
				"Replay": func(c *client) *answer {
					return c.serve(replay(c.m, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { tc.fn(s) }), request("POST", ""))
				},
			} {
				c := w.client()
				c.post(set("a=1"))
				var a *answer
				if got := w.trips(func() { a = serve(c) }); got != tc.trips {
					t.Errorf("%s: %d trips; want %d", name, got, tc.trips)
				}
				a.wantCookies(t, tc.cookies)
			}
		})
	}

	for _, tc := range []struct {
		rule    string
		fn      func(*session.Session)
		trips   int64
		cookies int
	}{
		{"anonymous, loads", func(*session.Session) {}, 0, 0},
		{"anonymous, reads", read(keyA), 0, 0},
		{"anonymous, changes: only the ID is new", set("a=1"), 1, 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			var a *answer
			w.wantTrips(t, tc.trips, func() { a = w.client().post(tc.fn) })
			a.wantCookies(t, tc.cookies)
		})
	}

	t.Run("never loads", func(t *testing.T) {
		w, c, _ := begun(t)
		for name, h := range map[string]http.Handler{
			"Handler": w.m.Handler(http.NotFoundHandler()),
			"Replay":  w.m.Handler(w.m.Replay(http.NotFoundHandler())),
		} {
			var a *answer
			if got := w.trips(func() { a = c.serve(h, request("GET", "")) }); got != 0 {
				t.Errorf("%s: %d trips", name, got)
			}
			a.wantCookies(t, 0)
			if got := a.Result().Header.Get("Vary"); got != "" {
				t.Errorf("%s: Vary is %q", name, got)
			}
		}
	})

	t.Run("a forged cookie", func(t *testing.T) {
		w, c, _ := begun(t)
		for name, value := range c.jar {
			c.jar[name] = "x" + value[1:len(value)-1] + "x"
		}
		var a *answer
		w.wantTrips(t, 0, func() { a = c.post(read(keyA)) })
		a.wantCookies(t, 0)
	})

	t.Run("idle touch due, nothing changed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(10 * time.Minute)
			var a *answer
			w.wantTrips(t, 2, func() { a = c.post(read(keyA)) })
			a.wantCookies(t, 0)
			w.wantTrips(t, 1, func() { c.post(read(keyA)) })
		})
	})

	t.Run("one touch at a time per session and instance", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(10 * time.Minute)
			tab := c.tab()
			w.onSave(before(func() {
				w.wantTrips(t, 1, func() { tab.post(read(keyA)).wantPage(t) })
			}))
			w.wantTrips(t, 3, func() { c.post(read(keyA)).wantPage(t) })
		})
	})
}

// The trips that owners cost in addition to those of TestRuleCosts.
func TestRuleOwnerCosts(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		as    string // the owner before
		fn    func(*session.Session)
		trips int64
	}{
		{"reads", "ann", read(keyA), 1},
		{"reads and changes", "ann", inOrder(read(keyA), set("a=2")), 2},
		{"updates", "ann", add(keyA, 1), 2},
		{"clears", "ann", clearAll, 2},
		{"sets values to what they were", "ann", set("a=1"), 1},
		{"persists", "ann", func(s *session.Session) { s.Persist(time.Hour) }, 2},
		{"makes a session somebody's: 2 more", "", own("ann"), 4},
		{"login: 2 more than a Renew", "", signIn("ann"), 5},
		{"logout: 2 more than a Destroy", "ann", destroy, 4},
		{"makes a session nobody's: 2 more", "ann", own(""), 4},
		{"renews: 4 more", "ann", renew, 7},
		{"another user: 4 more", "ann", signIn("bob"), 7},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(set("a=1"), own(tc.as))).wantPage(t)
			w.wantTrips(t, tc.trips, func() { c.post(tc.fn).wantPage(t) })
		})
	}

	t.Run("login of a visitor without a session: 2 more", func(t *testing.T) {
		w := newWorld(t)
		w.wantTrips(t, 3, func() { w.client().post(signIn("ann")).wantPage(t) })
	})
}
