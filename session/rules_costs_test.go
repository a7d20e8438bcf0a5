package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
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
			if got := w.trips(func() { a = w.client().post(tc.fn) }); got != tc.trips {
				t.Errorf("%d trips; want %d", got, tc.trips)
			}
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
		if got := w.trips(func() { a = c.post(read(keyA)) }); got != 0 {
			t.Errorf("%d trips", got)
		}
		a.wantCookies(t, 0)
	})

	t.Run("idle touch due, nothing changed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(10 * time.Minute)
			var a *answer
			if got := w.trips(func() { a = c.post(read(keyA)) }); got != 2 {
				t.Errorf("%d trips; want 2", got)
			}
			a.wantCookies(t, 0)
			if got := w.trips(func() { c.post(read(keyA)) }); got != 1 {
				t.Errorf("%d trips right after it; want 1", got)
			}
		})
	})

	t.Run("one touch at a time per session and instance", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(10 * time.Minute)
			tab := c.tab()
			w.onSave(before(func() {
				if got := w.trips(func() { tab.post(read(keyA)).wantPage(t) }); got != 1 {
					t.Errorf("%d trips during a touch; want 1", got)
				}
			}))
			if got := w.trips(func() { c.post(read(keyA)).wantPage(t) }); got != 3 {
				t.Errorf("%d trips for both; want 3", got)
			}
		})
	})
}

func TestRuleLoad(t *testing.T) {
	t.Run("reads storage once per request, however often it is called", func(t *testing.T) {
		w, c, _ := begun(t)
		got := w.trips(func() {
			c.handle("GET", func(_ http.ResponseWriter, r *http.Request) {
				all := make([]*session.Session, 10)
				parallel(len(all), func(i int) { all[i], _ = session.Load(r.Context()) })
				for _, s := range all {
					if s == nil || s != load(t, r) {
						t.Error("Load gives different Sessions")
					}
				}
			})
		})
		if got != 1 {
			t.Errorf("%d trips", got)
		}
	})

	t.Run("without a cookie is a new empty session, no I/O", func(t *testing.T) {
		w := newWorld(t)
		w.client().handle("GET", func(_ http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			if !s.IsNew() || s.PublicID() != "" || len(s.Keys()) != 0 || !s.ExpiresAt().IsZero() {
				t.Errorf("new %v, public ID %q, keys %v, expires %v", s.IsNew(), s.PublicID(), s.Keys(), s.ExpiresAt())
			}
		})
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("outside Handler is an error that names the fix", func(t *testing.T) {
		w := newWorld(t)
		for name, load := range map[string]func() (*session.Session, error){
			"Load":         func() (*session.Session, error) { return session.Load(t.Context()) },
			"Manager.Load": func() (*session.Session, error) { return w.m.Load(t.Context()) },
		} {
			s, err := load()
			wantErr(t, err, session.ErrNoHandler)
			if s != nil || err == nil || !strings.Contains(err.Error(), "Handler") {
				t.Errorf("%s: %v, %v", name, s, err)
			}
		}
	})

	t.Run("of nested Managers gives the innermost, Manager.Load its own", func(t *testing.T) {
		w := newWorld(t)
		inner := w.manager(func(cfg *session.Config) { cfg.Cookie.Name = "inner"; cfg.Namespace = "inner" })
		stranger := w.manager(func(cfg *session.Config) { cfg.Cookie.Name = "stranger" })
		c := w.client()
		for range 2 {
			c.serve(w.m.Handler(inner.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := inner.Load(r.Context())
				o, err2 := w.m.Load(r.Context())
				if err != nil || err2 != nil || s == o || s != load(t, r) {
					t.Errorf("inner %p, outer %p, Load %p; %v, %v", s, o, load(t, r), err, err2)
					return
				}
				if _, err := stranger.Load(r.Context()); err == nil {
					t.Error("a Manager that is not there loads a session")
				}
				keyA.Update(s, increment)
				keyB.Update(o, increment)
			}))), request("POST", "")).wantPage(t)
		}
		c.wantState("b=2")
		in := c.tab()
		in.m = inner
		in.wantState("a=2")
	})

	t.Run("that fails goes to ErrorHandler, and the handler does not run", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onFetch(failing, failing, failing)
		a := c.post(func(*session.Session) { t.Error("it ran") })
		w.calm()
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		a.wantCookies(t, 0)
	})

	t.Run("that fails overwrites nothing", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onFetch(failing, failing, failing)
		a := c.handle("POST", func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.Load(r.Context())
			wantErr(t, err, session.ErrUnavailable)
			if s != nil {
				t.Error("a Session came with the error")
			}
		})
		w.calm()
		a.wantCookies(t, 0)
		c.wantState("a=1")
	})

	t.Run("of an unreadable record is ErrUnreadable, and overwrites nothing", func(t *testing.T) {
		for name, spoil := range map[string]struct {
			format string
			data   []byte
		}{
			"cut":            {"cbor", nil},
			"other bytes":    {"cbor", []byte("other bytes")},
			"unknown format": {"xml", []byte("<a/>")},
		} {
			t.Run(name, func(t *testing.T) {
				w, c, id := begun(t)
				rec := w.stored(id)
				if rec.Format = spoil.format; spoil.data == nil {
					rec.Data = rec.Data[:len(rec.Data)-1]
				} else {
					rec.Data = spoil.data
				}
				if err := w.store.Provider.Save(t.Context(), rec, -1); err != nil {
					t.Fatal(err)
				}
				a := c.post(set("a=2"))
				a.wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
				a.wantCookies(t, 0)
				if got := w.stored(id); got == nil || got.Version != rec.Version || string(got.Data) != string(rec.Data) {
					t.Error("the record was overwritten")
				}
			})
		}
	})

	t.Run("ClearCookie clears the cookie so that the user can start anew", func(t *testing.T) {
		w, c, _ := begun(t)
		a := c.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.m.ClearCookie(rw, r) }), request("GET", ""))
		if !a.cleared() || len(c.jar) != 0 {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})

	t.Run("an unknown ID is never adopted, its cookie not cleared unasked", func(t *testing.T) {
		w, c, id := begun(t)
		w.erase(id)
		c.post(read(keyA)).wantCookies(t, 0)
		a := c.post(func(s *session.Session) {
			if !s.IsNew() {
				t.Error("the session is not new")
			}
			keyA.Set(s, 2)
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=2")
		if w.stored(id) != nil || c.sessionID() == id {
			t.Error("the ID was adopted")
		}
	})

	t.Run("Vary: Cookie when the session is loaded", func(t *testing.T) {
		_, c, _ := begun(t)
		if got := c.post(func(*session.Session) {}).Result().Header.Values("Vary"); len(got) != 1 || got[0] != "Cookie" {
			t.Errorf("Vary is %q", got)
		}
	})

	t.Run("HandlerFunc works alone and inside", func(t *testing.T) {
		w := newWorld(t)
		h := w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Update(s, increment) })
		c := w.client()
		c.serve(h, httptest.NewRequest("POST", "/", nil)).wantCookies(t, 1)
		c.serve(w.m.Handler(h), httptest.NewRequest("POST", "/", nil)).wantCookies(t, 0)
		c.wantState("a=2")
	})

	t.Run("Handler inside its own Manager's Handler is one", func(t *testing.T) {
		w, c, _ := begun(t)
		var outer *session.Session
		n := w.trips(func() {
			c.serve(w.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				outer = load(t, r)
				w.m.Handler(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
					if s != outer {
						t.Error("there are two Sessions")
					}
					keyA.Set(s, 2)
				})).ServeHTTP(rw, r)
			})), request("POST", ""))
		})
		if n != 2 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("IsNew is true for the whole request that began the session, PublicID is there once it is stored", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			keyA.Set(s, 1)
			if s.PublicID() != "" || !s.ExpiresAt().IsZero() {
				t.Errorf("before: public ID %q, expires %v", s.PublicID(), s.ExpiresAt())
			}
			wantErr(t, s.Save(t.Context()), nil)
			if !s.IsNew() || w.stored(s.PublicID()) == nil || s.ExpiresAt().IsZero() {
				t.Errorf("after: new %v, public ID %q, expires %v", s.IsNew(), s.PublicID(), s.ExpiresAt())
			}
		})
		c.post(func(s *session.Session) {
			if s.IsNew() {
				t.Error("the next request finds it new")
			}
		})
	})
}
