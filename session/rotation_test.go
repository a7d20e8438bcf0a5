package session_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRotation(t *testing.T) {
	bubble("is off by default", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating, func(cfg *session.Config) { cfg.RotateInterval = 0 })
		time.Sleep(2 * rotateInterval)
		c.visit(t, 0, 0)
	})
	bubble("gives a session in use a new cookie after the interval, and the ID stays", t, func(t *testing.T) {
		_, c, id := begun(t, rotating)
		due := time.Now().Add(rotateInterval)
		for range 3 {
			time.Sleep(time.Until(due.Add(-time.Millisecond)))
			c.visit(t, 0, 0)
			time.Sleep(time.Millisecond)
			c.visit(t, 1, 1)
			c.visit(t, 0, 0)
			due = time.Now().Add(rotateInterval)
			time.Sleep(confirmedAfter)
			c.visit(t, 0, 1)
			c.visit(t, 0, 0)
		}
		c.wantState("a=1")
		if got := c.sessionID(); got != id {
			t.Errorf("the ID is %s; want %s", got, id)
		}
	})
	bubble("is part of the save of a request that changes something", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		a := c.post(set("a=2"))
		a.wantPage(t)
		a.wantCookies(t, 1)
		time.Sleep(confirmedAfter)
		before := w.store.Saves.Load()
		c.post(set("a=3")).wantCookies(t, 0)
		if n := w.store.Saves.Load() - before; n != 1 {
			t.Errorf("%d saves", n)
		}
		c.visit(t, 0, 0)
		c.wantState("a=3")
	})
	bubble("does not depend on whether the interval ends in use", t, func(t *testing.T) {
		w := newWorld(t, rotating, func(cfg *session.Config) {
			cfg.IdleTimeout, cfg.Lifetime, cfg.TouchInterval = 10*day, 30*day, 10*day
		})
		c := w.client()
		c.post(set("a=1"))
		time.Sleep(9 * day)
		c.visit(t, 1, 1)
		time.Sleep(9 * day)
		c.visit(t, 0, 1) // confirms
		time.Sleep(graceIsOver)
		c.visit(t, 1, 1)
		c.wantState("a=1")
	})
	bubble("does not extend a session that is not in use", t, func(t *testing.T) {
		_, c, id := begun(t, rotating)
		expiry := c.expiry(id)
		time.Sleep(rotateInterval)
		a := c.serve(c.m.Passive(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Get(s) })), request(http.MethodGet, ""))
		a.wantCookies(t, 1)
		if got := c.expiry(id); got != expiry-rotateInterval {
			t.Errorf("it ends in %v; want %v", got, expiry-rotateInterval)
		}
	})
	bubble("begins again with a renewal", t, func(t *testing.T) {
		w, c, before, _ := rotated(t)
		c.post(renew).wantCookies(t, 1)
		time.Sleep(rotateInterval - 2*time.Second)
		before.wantState("empty")
		c.get(read(keyA)).wantCookies(t, 0)
		c.rotate(t).wantState("a=1")
		c.wantState("a=1")
		if w.log.has(slog.LevelError) {
			t.Error(w.log.String())
		}
	})
}

// Without the handler of HTTP there is no error response, no Save before the header, and no
// second request at once.
func TestRuleRotationOfAResponse(t *testing.T) {
	bubble("an error response sends no new cookie", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		c.handle(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			load(t, r)
			http.Error(w, "no", http.StatusInternalServerError)
		}).wantCookies(t, 0)
		c.visit(t, 1, 1)
	})
	bubble("a Save before the response issues no cookie, which could arrive late", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		before := c.tab()
		a := c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			wantErr(t, s.Save(t.Context()), nil)
			time.Sleep(confirmedAfter)
		})
		a.wantCookies(t, 1)
		if n := w.store.Saves.Load(); n != 3 {
			t.Errorf("%d saves", n)
		}
		c.visit(t, 0, 0) // it was issued a moment ago
		before.wantState("a=2")
	})
	bubble("a Save confirms", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		before := c.rotate(t)
		time.Sleep(confirmedAfter)
		c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			wantErr(t, s.Save(t.Context()), nil)
		})
		if n := w.store.Saves.Load(); n != 3 {
			t.Errorf("%d saves", n)
		}
		time.Sleep(graceIsOver)
		before.wantState("empty")
	})
	bubble("a response whose header was sent before the commit has no new cookie", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		a := c.handle(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "page")
			keyA.Get(load(t, r))
		})
		a.wantCookies(t, 0)
		if w.log.has(slog.LevelWarn) {
			t.Error(w.log.String())
		}
		c.visit(t, 1, 1)
	})
	bubble("a new cookie is not sent if the header follows its commit late", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		slow := c.tab()
		flush := slow.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keyA.Get(load(t, r))
			w.(http.Flusher).Flush() // sends nothing
			time.Sleep(graceIsOver)
			c.visit(t, 1, 1)
			time.Sleep(confirmedAfter)
			c.visit(t, 0, 1)
		}))
		slow.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			flush.ServeHTTP(struct{ http.ResponseWriter }{w}, r) // without the methods of w
		}), request(http.MethodGet, "")).wantCookies(t, 0)
		time.Sleep(graceIsOver)
		c.wantState("a=1")
	})
	bubble("a request that goes on after its response does not confirm the cookie that it was sent", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		before := c.tab()
		c.handle(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			time.Sleep(confirmedAfter)
			keyA.Set(s, 2)
			wantErr(t, s.Save(t.Context()), nil)
		}).wantCookies(t, 1)
		time.Sleep(graceIsOver)
		before.wantState("a=2")
	})
	bubble("of parallel requests, one sends a new cookie", t, func(t *testing.T) {
		for _, opts := range [][]func(*session.Config){{rotating}, {rotating, level(session.LevelStrict)}} {
			w, c, _ := begun(t, opts...)
			second := w.manager(opts...)
			time.Sleep(rotateInterval)
			all := make([]*answer, 8)
			arrive := barrier(len(all))
			parallel(len(all), func(i int) {
				tab := c.tab()
				if i%2 == 0 {
					tab.m = second
				}
				all[i] = tab.get(func(s *session.Session) { keyA.Get(s); arrive() })
			})
			cookies := 0
			for _, a := range all {
				a.wantPage(t)
				cookies += len(a.cookies())
			}
			if cookies != 1 {
				t.Errorf("%d cookies", cookies)
			}
		}
	})
	bubble("of parallel requests that are saved together, one sends a new cookie", t, func(t *testing.T) {
		w, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		saves := w.store.Saves.Load()
		all := make([]*answer, 8)
		arrive := barrier(len(all))
		w.onSave(before(func() { time.Sleep(10 * time.Millisecond) }))
		parallel(len(all), func(i int) {
			tab := c.tab()
			all[i] = tab.post(func(s *session.Session) { keyB.Update(s, increment); arrive() })
		})
		cookies := 0
		for i, a := range all {
			a.wantPage(t)
			if len(a.cookies()) > 0 {
				cookies++
				c.keep(all[i])
			}
		}
		if n := w.store.Saves.Load() - saves; cookies != 1 || n > 2 {
			t.Errorf("%d cookies, %d saves", cookies, n)
		}
		c.wantState("a=1 b=8")
		time.Sleep(confirmedAfter)
		c.visit(t, 0, 1)
	})
	bubble("a handler that runs again sends one cookie", t, func(t *testing.T) {
		_, c, _ := begun(t, rotating)
		time.Sleep(rotateInterval)
		tab, runs := c.tab(), 0
		a := c.get(func(s *session.Session) {
			if runs++; runs == 1 {
				tab.post(set("a=5")).wantCookies(t, 1)
			}
			v, _ := keyA.Get(s)
			keyA.Set(s, v+1)
		})
		a.wantPage(t)
		a.wantCookies(t, 0)
		if runs != 2 {
			t.Errorf("%d runs", runs)
		}
		tab.wantState("a=6")
	})
}

func TestRuleRotationAndReadCache(t *testing.T) {
	bubble("copies are used between rotations", t, func(t *testing.T) {
		w, c, second := readers(t, rotating)
		time.Sleep(rotateInterval)
		c.wantRead(t, w.m, "a=1", 2) // a load, and a save
		c.wantRead(t, w.m, "a=1", 1) // pending
		c.wantRead(t, second, "a=1", 1)
		time.Sleep(confirmedAfter)
		c.wantRead(t, second, "a=1", 2)
		synctest.Wait() // it listens again, since before or after the save
		c.readAt(second, read(keyA)).wantPage(t)
		c.wantRead(t, second, "a=1", 0)
		time.Sleep(rotateInterval - confirmedAfter)
		c.wantRead(t, second, "a=1", 2) // due
	})
	bubble("the cookie before is not served from a copy", t, func(t *testing.T) {
		w, c, second := readers(t, rotating)
		before := c.rotateAt(t, w.m)
		time.Sleep(confirmedAfter)
		c.wantRead(t, w.m, "a=1", 2)
		before.wantRead(t, w.m, "a=1", 1)
		before.wantRead(t, second, "a=1", 1)
		time.Sleep(graceIsOver)
		before.wantRead(t, second, "empty", 2)
	})
}

// rotateAt is rotate at another instance.
func (c *client) rotateAt(t *testing.T, m *session.Manager) (before *client) {
	t.Helper()
	time.Sleep(rotateInterval)
	before = c.tab()
	c.readAt(m, read(keyA)).wantPage(t)
	return before
}

func TestASessionThatIsBoundIsNotRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{RotateInterval: rotateInterval})
		rotations := func() (n int) {
			for _, e := range site.events {
				if e.Op == session.OpRotate {
					n++
				}
			}
			return n
		}
		time.Sleep(rotateInterval)
		site.wantPage(t, v, "/", "a=1, bound")
		if n := rotations(); n != 0 {
			t.Errorf("%d rotations", n)
		}
		unbound := dbsctest.New()
		site.offer(t, unbound)
		time.Sleep(rotateInterval)
		unbound.Send(site, httptest.NewRequest("GET", "/", nil))
		if n := rotations(); n != 1 {
			t.Errorf("%d rotations of the other", n)
		}
	})
}

func TestRotateConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		interval, grace time.Duration
		err             string
	}{
		"off":                        {},
		"the default grace":          {interval: 2 * time.Minute},
		"a long grace":               {interval: 2 * time.Hour, grace: time.Hour},
		"negative":                   {interval: -1, err: "RotateInterval -1ns is negative"},
		"a negative grace":           {grace: -1, err: "RotateGrace -1ns is under 30s"},
		"a grace that is too short":  {interval: time.Hour, grace: 30*time.Second - 1, err: "RotateGrace"},
		"shorter than twice a grace": {interval: 2*time.Minute - 1, err: "RotateInterval 1m59.999999999s is shorter than 2m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := session.New(newWorld(t).store, session.Config{RotateInterval: tc.interval, RotateGrace: tc.grace})
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v; want %q", err, tc.err)
			}
		})
	}
}
