package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// authenticatedAt returns what the client's session says.
func (c *client) authenticatedAt() (at time.Time) {
	c.tab().post(func(s *session.Session) { at = s.AuthenticatedAt() })
	return at
}

func TestRuleAuthenticatedAt(t *testing.T) {
	bubble("is zero for a session that has begun and was not renewed", t, func(t *testing.T) {
		_, c, _ := begun(t)
		if at := c.authenticatedAt(); !at.IsZero() {
			t.Errorf("got %v", at)
		}
		if at := c.w.client().authenticatedAt(); !at.IsZero() {
			t.Errorf("without a session: %v", at)
		}
	})
	bubble("is the time of the last Renew", t, func(t *testing.T) {
		_, c, _ := begun(t)
		for range 2 {
			time.Sleep(10 * time.Minute)
			c.post(func(s *session.Session) {
				time.Sleep(time.Second)
				s.Renew()
			}).wantPage(t)
			if at := c.authenticatedAt(); !at.Equal(time.Now()) {
				t.Errorf("got %v, want %v", at, time.Now())
			}
		}
	})
	bubble("of a session that begins with a Renew, too", t, func(t *testing.T) {
		c := newWorld(t).client()
		c.post(login).wantPage(t)
		if at := c.authenticatedAt(); !at.Equal(time.Now()) {
			t.Errorf("got %v, want %v", at, time.Now())
		}
	})
	bubble("stays when the session is used, changed, persisted and limited", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(renew).wantPage(t)
		at := c.authenticatedAt()
		for _, fn := range []func(*session.Session){
			read(keyA), set("b=1"),
			func(s *session.Session) { s.Persist(48 * time.Hour) },
			func(s *session.Session) { s.SetLimits(time.Hour/2, 0) },
		} {
			time.Sleep(20 * time.Minute)
			c.post(fn).wantPage(t)
		}
		if got := c.authenticatedAt(); !got.Equal(at) {
			t.Errorf("got %v, want %v", got, at)
		}
	})
	bubble("a Renew of the request counts from its commit on", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			s.Renew()
			before := s.AuthenticatedAt()
			if err := s.Save(t.Context()); err != nil || !before.IsZero() || !s.AuthenticatedAt().Equal(time.Now()) {
				t.Errorf("%v, before %v, after %v", err, before, s.AuthenticatedAt())
			}
		}).wantPage(t)
	})
	bubble("a session that was destroyed leaves none to the next", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(renew).wantPage(t)
		c.post(func(s *session.Session) {
			s.Destroy()
			keyB.Set(s, 1)
		}).wantPage(t)
		if at := c.authenticatedAt(); c.state() != "b=1" || !at.IsZero() {
			t.Errorf("%q, authenticated %v", c.state(), at)
		}
	})
	bubble("is data of the session: who has read it cannot begin another after the end", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(renew).wantPage(t)
		id := c.sessionID()
		c.post(func(s *session.Session) {
			s.AuthenticatedAt()
			wantErr(t, w.m.Revoke(t.Context(), id), nil)
			s.Renew()
		}).wantError(t, http.StatusConflict, session.ErrEnded)
	})
}

func TestRuleRequireFresh(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
	}
	guarded := func(m *session.Manager) http.Handler {
		return m.RequireFresh(10*time.Minute, says("fresh"), says("stale"))
	}
	visit := func(t *testing.T, c *client, want string) {
		t.Helper()
		if a := c.serve(guarded(c.m), httptest.NewRequest(http.MethodPost, "/", nil)); a.Body.String() != want {
			t.Errorf("got %q, want %q", a.Body, want)
		}
	}
	bubble("a visitor without a session is stale", t, func(t *testing.T) {
		visit(t, newWorld(t).client(), "stale")
	})
	bubble("a session that was never renewed is stale", t, func(t *testing.T) {
		_, c, _ := begun(t)
		visit(t, c, "stale")
	})
	bubble("a session is fresh for less than maxAge", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(renew).wantPage(t)
		visit(t, c, "fresh")
		time.Sleep(10*time.Minute - time.Millisecond)
		visit(t, c, "fresh")
		time.Sleep(time.Millisecond)
		visit(t, c, "stale")
		c.post(renew).wantPage(t)
		visit(t, c, "fresh")
	})
	bubble("a session that has ended is stale", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(renew).wantPage(t)
		wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil)
		visit(t, c, "stale")
	})
	bubble("the handlers have the session, and their changes are committed", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(renew).wantPage(t)
		change := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.Load(r.Context())
			wantErr(t, err, nil)
			keyB.Set(s, 1)
		})
		for name, h := range map[string]http.Handler{
			"alone":          c.m.RequireFresh(time.Minute, change, says("stale")),
			"inside Handler": c.m.Handler(c.m.RequireFresh(time.Minute, change, says("stale"))),
			"around Replay":  c.m.RequireFresh(time.Minute, c.m.Replay(change), says("stale")),
			"inside Replay":  c.m.Replay(c.m.RequireFresh(time.Minute, change, says("stale"))),
		} {
			c.post(func(s *session.Session) { keyB.Delete(s) }).wantPage(t)
			c.serve(h, httptest.NewRequest(http.MethodPost, "/", nil))
			if got := c.state(); got != "a=1 b=1" {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
	t.Run("a session that cannot be loaded is answered by ErrorHandler", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onFetch(failing)
		c.serve(guarded(c.m), httptest.NewRequest(http.MethodPost, "/", nil)).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
	})
	t.Run("panics without a positive maxAge or a handler", func(t *testing.T) {
		m := newWorld(t).m
		wantRefusal(t, "positive maxAge", func() { m.RequireFresh(0, says(""), says("")) })
		wantRefusal(t, "positive maxAge", func() { m.RequireFresh(-1, says(""), says("")) })
		wantRefusal(t, "two handlers", func() { m.RequireFresh(1, nil, says("")) })
		wantRefusal(t, "two handlers", func() { m.RequireFresh(1, says(""), nil) })
	})
}

// wantRefusal checks that fn panics with a text of this package that has part.
func wantRefusal(t *testing.T, part string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "session: ") || !strings.Contains(text, part) {
			t.Errorf("recovered %q; want %q in it", text, part)
		}
	}()
	fn()
}
