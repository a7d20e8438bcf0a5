package session_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// limits returns a handler that calls SetLimits.
func limits(idle, lifetime time.Duration) func(*session.Session) {
	return func(s *session.Session) { s.SetLimits(idle, lifetime) }
}

// useEvery sends n requests that read, with pauses before them.
func (c *client) useEvery(n int, pause time.Duration) {
	for range n {
		time.Sleep(pause)
		c.post(read(keyA))
	}
}

func TestRuleSetLimits(t *testing.T) {
	bubble("a session ends when it was idle for its own limit", t, func(t *testing.T) {
		w, c, id := begun(t)
		c.post(limits(5*time.Minute, 0)).wantPage(t)
		if left := time.Until(w.stored(id).ExpiresAt); left != 5*time.Minute {
			t.Errorf("the store keeps it for %v", left)
		}
		time.Sleep(5*time.Minute - time.Millisecond)
		c.wantState("a=1")
		time.Sleep(5 * time.Minute)
		c.wantState("empty")
	})
	bubble("use keeps it, until its own lifetime ends it", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(limits(5*time.Minute, 2*time.Hour)).wantPage(t)
		c.useEvery(29, 4*time.Minute)
		c.wantState("a=1")
		c.useEvery(1, 4*time.Minute)
		c.wantState("empty")
	})
	bubble("a session in use is saved once a tenth of its own timeout has passed", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(limits(10*time.Minute, 0)).wantPage(t)
		n := int64(len(w.savesSince(0)))
		c.useEvery(1, time.Minute-time.Millisecond)
		if saves := w.savesSince(n); len(saves) != 0 {
			t.Errorf("%d saves before", len(saves))
		}
		c.useEvery(1, time.Millisecond)
		if saves := w.savesSince(n); len(saves) != 1 {
			t.Errorf("%d saves; want 1", len(saves))
		}
	})
	bubble("a session of an owner likewise", t, func(t *testing.T) {
		w, c := member(t)
		c.post(limits(10*time.Minute, 0)).wantPage(t)
		n := int64(len(w.savesSince(0)))
		c.useEvery(1, time.Minute)
		if saves := w.savesSince(n); len(saves) != 1 {
			t.Errorf("%d saves; want 1", len(saves))
		}
	})
	bubble("a limit that is longer than that of the Config has no effect", t, func(t *testing.T) {
		_, c, id := begun(t)
		c.post(limits(48*time.Hour, 1000*time.Hour)).wantPage(t)
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
		c.useEvery(47, 30*time.Minute)
		c.wantState("a=1")
		c.useEvery(1, 30*time.Minute)
		c.wantState("empty")
	})
	bubble("zero leaves a limit as it is", t, func(t *testing.T) {
		_, c, id := begun(t)
		c.post(limits(5*time.Minute, 0)).wantPage(t)
		c.post(limits(0, 3*time.Minute)).wantPage(t)
		if got := c.expiry(id); got != 3*time.Minute {
			t.Errorf("it ends in %v", got)
		}
		c.post(limits(0, 10*time.Minute)).wantPage(t)
		if got := c.expiry(id); got != 5*time.Minute {
			t.Errorf("the idle timeout is %v", got)
		}
		c.post(func(s *session.Session) {
			s.SetLimits(4*time.Minute, 0)
			s.SetLimits(0, 20*time.Minute)
		}).wantPage(t)
		if got := c.expiry(id); got != 4*time.Minute {
			t.Errorf("of two calls in a request: it ends in %v", got)
		}
	})
	bubble("the limits of the Config remove those of the session", t, func(t *testing.T) {
		_, c, id := begun(t)
		c.post(limits(5*time.Minute, 10*time.Minute)).wantPage(t)
		c.post(limits(time.Hour, 24*time.Hour)).wantPage(t)
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})
	bubble("another instance obeys them", t, func(t *testing.T) {
		w, c, id := begun(t)
		c.post(limits(5*time.Minute, 0)).wantPage(t)
		other := c.tab()
		other.m = w.manager()
		time.Sleep(2 * time.Minute)
		other.post(set("b=1")).wantPage(t)
		if left := time.Until(w.stored(id).ExpiresAt); left != 5*time.Minute {
			t.Errorf("it has extended the session to %v", left)
		}
	})
	bubble("Touch, Update and Manager.Update obey them", t, func(t *testing.T) {
		w, c, id := begun(t)
		var kept *session.Session
		c.post(func(s *session.Session) {
			kept = s
			s.SetLimits(5*time.Minute, 0)
		}).wantPage(t)
		for name, use := range map[string]func() error{
			"Touch":          func() error { return kept.Touch(t.Context()) },
			"Update":         func() error { return kept.Update(t.Context(), setting("b=1")) },
			"Manager.Update": func() error { return w.m.Update(t.Context(), id, setting("c=1")) },
		} {
			time.Sleep(4 * time.Minute)
			wantErr(t, use(), nil)
			if left := time.Until(w.stored(id).ExpiresAt); left != 5*time.Minute {
				t.Errorf("%s: it ends in %v", name, left)
			}
		}
	})
	bubble("Manager.Update sets them for a session of somebody else", t, func(t *testing.T) {
		w, c, id := begun(t)
		wantErr(t, w.m.Update(t.Context(), id, func(s *session.Session) error {
			s.SetLimits(time.Minute, 0)
			return nil
		}), nil)
		c.useEvery(1, time.Minute)
		c.wantState("empty")
	})
	bubble("Persist does not reach beyond them", t, func(t *testing.T) {
		_, c, id := begun(t)
		c.post(inOrder(limits(10*time.Minute, 48*time.Hour), func(s *session.Session) { s.Persist(240 * time.Hour) })).wantPage(t)
		if got := c.expiry(id); got != 10*time.Minute {
			t.Errorf("it may be idle for %v", got)
		}
		c.post(limits(1000*time.Hour, 0)).wantPage(t)
		if got := c.expiry(id); got != 48*time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})
	bubble("Renew keeps them, and restarts the lifetime", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(limits(10*time.Minute, time.Hour)).wantPage(t)
		c.useEvery(11, 5*time.Minute)
		c.post(renew).wantPage(t)
		c.useEvery(11, 5*time.Minute)
		c.wantState("a=1")
		c.useEvery(1, 5*time.Minute)
		c.wantState("empty")
	})
	bubble("a session after Destroy has none", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(limits(5*time.Minute, 0)).wantPage(t)
		c.post(func(s *session.Session) {
			s.Destroy()
			keyB.Set(s, 1)
		}).wantPage(t)
		c.useEvery(1, 59*time.Minute)
		c.wantState("b=1")
	})
	bubble("a lifetime that has passed ends the session with the commit", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(30 * time.Minute)
		c.post(limits(0, 30*time.Minute)).wantPage(t)
		if w.stored(id) != nil {
			t.Error("it is stored")
		}
		c.wantState("empty")
	})
	bubble("a Watch ends with them", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(limits(10*time.Second, 0)).wantPage(t)
		c.post(func(s *session.Session) {
			begin := time.Now()
			alive, stop := s.Watch(t.Context())
			defer stop()
			<-alive.Done()
			if d := time.Since(begin); d != 10*time.Second {
				t.Errorf("after %v", d)
			}
		})
	})
	bubble("a request that sets the present limits saves nothing", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(limits(5*time.Minute, time.Hour)).wantPage(t)
		n := int64(len(w.savesSince(0)))
		c.post(limits(5*time.Minute, time.Hour)).wantPage(t)
		if saves := w.savesSince(n); len(saves) != 0 {
			t.Errorf("%d saves", len(saves))
		}
		w.calm()
		if text := w.log.String(); text != "" {
			t.Error(text)
		}
	})
	bubble("a session without values is not stored for them, and has them once it is", t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		a := c.post(limits(5*time.Minute, 0))
		a.wantPage(t)
		a.wantCookies(t, 0)
		c.post(func(s *session.Session) {
			s.SetLimits(5*time.Minute, 0)
			wantErr(t, s.Save(t.Context()), nil)
			keyA.Set(s, 1)
		}).wantPage(t)
		if got := c.expiry(c.sessionID()); got != 5*time.Minute {
			t.Errorf("it ends in %v", got)
		}
		if text := w.log.String(); text != "" {
			t.Error(text)
		}
	})
	bubble("a conflict does not lose them", t, func(t *testing.T) {
		_, c, id := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			tab.post(limits(0, 20*time.Minute)).wantPage(t)
			s.SetLimits(5*time.Minute, 0)
		}).wantPage(t)
		if got := c.expiry(id); got != 5*time.Minute {
			t.Errorf("it ends in %v", got)
		}
		c.useEvery(4, 4*time.Minute)
		c.wantState("a=1")
		c.useEvery(1, 4*time.Minute)
		c.wantState("empty")
	})
	bubble("a passive request that sets them counts as use", t, func(t *testing.T) {
		_, c, id := begun(t)
		c.serve(c.m.Passive(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.SetLimits(5*time.Minute, 0)
		})), request("POST", "")).wantPage(t)
		if got := c.expiry(id); got != 5*time.Minute {
			t.Errorf("it ends in %v", got)
		}
		time.Sleep(4 * time.Minute)
		c.serve(c.m.Passive(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			keyB.Set(s, 1)
		})), request("POST", "")).wantPage(t)
		if got := c.expiry(id); got != time.Minute {
			t.Errorf("another passive request has extended it: it ends in %v", got)
		}
	})
	t.Run("a negative limit panics", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			wantRefusal(t, "use Destroy", func() { s.SetLimits(-1, 0) })
			wantRefusal(t, "use Destroy", func() { s.SetLimits(0, -1) })
		})
	})
}

// The copies of Config.ReadCache are used no longer than the limits allow.
func TestReadCacheObeysSetLimits(t *testing.T) {
	bubble("a copy ends with the session", t, func(t *testing.T) {
		w, c, _ := readers(t)
		c.post(limits(maxStale/2, 0)).wantPage(t)
		c.wantRead(t, w.m, "a=1", 0)
		time.Sleep(maxStale / 2)
		c.wantRead(t, w.m, "empty", 1)
	})
	bubble("a session that is read from copies is extended", t, func(t *testing.T) {
		w, c, _ := readers(t)
		c.post(limits(maxStale, 0)).wantPage(t)
		for range 10 {
			time.Sleep(maxStale / 2)
			c.readAt(w.m, func(s *session.Session) { keyA.Get(s) })
		}
		c.wantState("a=1")
	})
}
