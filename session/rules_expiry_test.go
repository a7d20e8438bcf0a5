package session_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// What a change of the Config does to sessions that are stored (DESIGN.md, "Time").
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
		c.post(set("a=3")).wantPage(t) // what extends it goes by the new one
		if got := c.expiry(id); got != 10*time.Minute {
			t.Errorf("it ends in %v", got)
		}
	})
}

// Persist counts from its call. Called at each visit, as the example shows, it makes
// "keep me signed in" slide: until PersistLifetime after the session began or was renewed.
func TestRulePersistThatSlides(t *testing.T) {
	const day = 24 * time.Hour
	const month = 30 * day
	visit := func(s *session.Session) {
		if time.Until(s.ExpiresAt()) < month-day {
			s.Persist(month)
		}
	}
	bubble("until PersistLifetime", t, func(t *testing.T) {
		w, c, id := begun(t, func(cfg *session.Config) { cfg.PersistLifetime = 90 * day })
		c.post(func(s *session.Session) { s.Persist(month) }).wantPage(t)
		for range 3 {
			time.Sleep(25 * day)
			a := c.post(visit)
			a.wantPage(t)
			a.wantCookies(t, 1) // with a Max-Age that begins again
		} // 75 days
		if got := c.expiry(id); got != 15*day {
			t.Errorf("it ends in %v", got)
		}
		if n := w.trips(func() { c.post(visit).wantPage(t) }); n != 2 {
			t.Errorf("%d trips", n)
		}
		time.Sleep(15 * day)
		c.wantState("empty")
	})
	bubble("at one save a day", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) { s.Persist(month) }).wantPage(t)
		if n := w.trips(func() { c.post(visit).wantCookies(t, 0) }); n != 1 {
			t.Errorf("%d trips on the same day", n)
		}
	})
}
