package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// expiry returns the time until the client's session ends, by its record.
func (c *client) expiry(id string) time.Duration {
	rec := c.w.stored(id)
	if rec == nil {
		return 0
	}
	return time.Until(rec.ExpiresAt)
}

func TestRuleTime(t *testing.T) {
	bubble("a session ends when it was idle for IdleTimeout", t, func(t *testing.T) {
		w, c, id := begun(t)
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
		time.Sleep(time.Hour - time.Second)
		if w.stored(id) == nil {
			t.Error("it ended early")
		}
		time.Sleep(time.Second)
		c.wantState("empty")
	})

	bubble("use keeps it, until Lifetime ends it", t, func(t *testing.T) {
		_, c, id := begun(t)
		start := time.Now()
		for time.Since(start) < 24*time.Hour-30*time.Minute {
			time.Sleep(30 * time.Minute)
			c.wantState("a=1")
		}
		if got := c.expiry(id); got != 30*time.Minute {
			t.Errorf("it ends in %v; want the end of its lifetime, in 30m", got)
		}
		c.post(set("b=1")).wantPage(t)
		if got := c.expiry(id); got != 30*time.Minute {
			t.Errorf("after a change it ends in %v", got)
		}
		time.Sleep(30 * time.Minute)
		c.wantState("empty")
	})

	bubble("a change counts as use", t, func(t *testing.T) {
		_, c, id := begun(t)
		time.Sleep(time.Minute)
		c.post(set("b=1"))
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("ExpiresAt tells what is stored", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(time.Minute)
		c.post(func(s *session.Session) {
			keyB.Set(s, 1)
			wantErr(t, s.Save(context.Background()), nil)
			if !s.ExpiresAt().Equal(w.stored(id).ExpiresAt) {
				t.Errorf("%v; stored is %v", s.ExpiresAt(), w.stored(id).ExpiresAt)
			}
		})
	})

	bubble("a touch comes only when a tenth of the idle window is used", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(6*time.Minute - time.Second)
		w.wantTrips(t, 1, func() { c.wantState("a=1") })
		if got := c.expiry(id); got != 54*time.Minute+time.Second {
			t.Errorf("it ends in %v", got)
		}
		time.Sleep(2 * time.Second)
		w.wantTrips(t, 2, func() { c.wantState("a=1") })
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("TouchInterval sets another part", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.TouchInterval = 20 * time.Minute })
		time.Sleep(19 * time.Minute)
		w.wantTrips(t, 1, func() { c.wantState("a=1") })
		time.Sleep(2 * time.Minute)
		w.wantTrips(t, 2, func() { c.wantState("a=1") })
	})

	bubble("it never decreases", t, func(t *testing.T) {
		w, c, id := begun(t)
		last := w.stored(id).ExpiresAt
		for i, step := range []time.Duration{time.Second, 7 * time.Minute, 0, 50 * time.Minute, time.Minute} {
			time.Sleep(step)
			if i%2 == 0 {
				c.post(add(keyA, 1)).wantPage(t)
			} else {
				c.post(read(keyA)).wantPage(t)
			}
			now := w.stored(id).ExpiresAt
			if now.Before(last) {
				t.Errorf("step %d: from %v to %v", i, last, now)
			}
			last = now
		}
	})

	bubble("it does not decrease by a slow request of before", t, func(t *testing.T) {
		_, c, id := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			keyB.Set(s, 1)
			time.Sleep(20 * time.Minute)
			tab.post(set("c=1"))
		}).wantPage(t)
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("Renew restarts the lifetime", t, func(t *testing.T) {
		_, c, _ := begun(t)
		for range 46 {
			time.Sleep(30 * time.Minute)
			c.post(read(keyA))
		} // 23 h
		c.post(renew).wantPage(t)
		id := c.sessionID()
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("after Renew it ends in %v", got)
		}
		for range 46 {
			time.Sleep(30 * time.Minute)
			c.wantState("a=1")
		} // 46 h
		for range 2 {
			time.Sleep(30 * time.Minute)
			c.post(read(keyA))
		}
		c.wantState("empty") // 24 h after Renew
	})

	bubble("a shorter Lifetime in Config ends it earlier", t, func(t *testing.T) {
		w, c, _ := begun(t)
		short := w.clientOf(w.manager(func(cfg *session.Config) { cfg.Lifetime = 2 * time.Hour }))
		short.jar = c.tab().jar
		for range 4 {
			time.Sleep(29 * time.Minute)
			short.post(read(keyA))
		}
		time.Sleep(5 * time.Minute)
		short.wantState("empty")
	})
}

// A shorter Lifetime holds for sessions that began before as well.
func TestRuleShortenedLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t)
		for range 6 {
			time.Sleep(25 * time.Minute)
			c.wantState("a=1")
		} // 2 h 30
		short := c.tab()
		short.m = w.manager(func(cfg *session.Config) { cfg.Lifetime = 2 * time.Hour })
		short.wantState("empty")
	})
}

// An instance that has a shorter IdleTimeout during a rolling deploy, or whose clock is
// behind, does not shorten a session.
func TestRuleExpiryNeverDecreases(t *testing.T) {
	w, c, id := begun(t)
	before := w.stored(id).ExpiresAt
	c.m = w.manager(func(cfg *session.Config) { cfg.IdleTimeout = 10 * time.Minute })
	c.post(set("b=1")).wantPage(t)
	if after := w.stored(id).ExpiresAt; after.Before(before) {
		t.Errorf("from %v to %v", before, after)
	}
}

// The effect of a changed Config on stored sessions (DESIGN.md, "Time").
func TestRuleExpiryUnderAnotherConfig(t *testing.T) {
	bubble("a shorter Lifetime lowers it, with the next save", t, func(t *testing.T) {
		w, c, id := begun(t, func(cfg *session.Config) { cfg.IdleTimeout = 10 * time.Hour })
		c.m = w.manager(func(cfg *session.Config) { cfg.Lifetime = 2 * time.Hour })
		c.post(set("a=2")).wantPage(t)
		if got := c.expiry(id); got != 2*time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("a shorter PersistLifetime lowers that of a persistent session", t, func(t *testing.T) {
		w, c, id := begun(t)
		c.post(func(s *session.Session) { s.Persist(20 * 24 * time.Hour) }).wantPage(t)
		c.m = w.manager(func(cfg *session.Config) { cfg.PersistLifetime = 10 * 24 * time.Hour })
		c.post(set("a=2")).wantPage(t)
		if got := c.expiry(id); got != 10*24*time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("a shorter IdleTimeout does not", t, func(t *testing.T) {
		w, c, id := begun(t)
		c.m = w.manager(func(cfg *session.Config) { cfg.IdleTimeout = 10 * time.Minute })
		c.post(set("a=2")).wantPage(t)
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
		time.Sleep(55 * time.Minute)
		c.post(set("a=3")).wantPage(t) // later extensions follow the new one
		if got := c.expiry(id); got != 10*time.Minute {
			t.Errorf("it ends in %v", got)
		}
	})
}
