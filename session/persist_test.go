package session_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRulePersist(t *testing.T) {
	const week = 7 * 24 * time.Hour
	persist := func(d time.Duration) func(*session.Session) { return func(s *session.Session) { s.Persist(d) } }
	maxAge := func(t *testing.T, a *answer, want time.Duration) {
		t.Helper()
		all := a.Result().Cookies()
		if len(all) != 1 || all[0].MaxAge != int(want/time.Second) {
			t.Errorf("Set-Cookie %q; want Max-Age of %v", a.cookies(), want)
		}
	}

	bubble("ends at now + d, whatever the idle time; the cookie gets Max-Age", t, func(t *testing.T) {
		_, c, id := begun(t)
		time.Sleep(time.Minute)
		a := c.post(persist(week))
		a.wantPage(t)
		maxAge(t, a, week)
		if got := c.expiry(id); got != week {
			t.Errorf("it ends in %v", got)
		}
		time.Sleep(week - time.Second)
		c.wantState("a=1")
		time.Sleep(time.Second)
		c.wantState("empty")
	})

	bubble("of a new session, too", t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		maxAge(t, c.post(inOrder(set("a=1"), persist(week))), week)
		if got := c.expiry(c.sessionID()); got != week {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("changes and reads neither shorten nor extend it", t, func(t *testing.T) {
		_, c, id := begun(t)
		c.post(persist(week))
		time.Sleep(24 * time.Hour)
		c.post(set("b=1")).wantPage(t)
		c.post(read(keyA)).wantPage(t)
		if got := c.expiry(id); got != week-24*time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("needs no touch", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(persist(week))
		time.Sleep(24 * time.Hour)
		w.wantTrips(t, 1, func() { c.wantState("a=1") })
	})

	bubble("is capped at PersistLifetime from the start", t, func(t *testing.T) {
		_, c, id := begun(t, func(cfg *session.Config) { cfg.PersistLifetime = 48 * time.Hour })
		time.Sleep(30 * time.Minute)
		a := c.post(persist(week))
		want := 48*time.Hour - 30*time.Minute
		if got := c.expiry(id); got != want {
			t.Errorf("it ends in %v", got)
		}
		maxAge(t, a, want)
	})

	for _, d := range []time.Duration{0, -time.Second} {
		bubble("of "+d.String()+" undoes it", t, func(t *testing.T) {
			_, c, id := begun(t)
			c.post(persist(week))
			time.Sleep(time.Minute)
			a := c.post(persist(d))
			a.wantPage(t)
			maxAge(t, a, 0)
			if got := c.expiry(id); got != time.Hour {
				t.Errorf("it ends in %v", got)
			}
			time.Sleep(time.Hour)
			c.wantState("empty")
		})
	}

	bubble("Renew restarts the same span", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(persist(week))
		time.Sleep(24 * time.Hour)
		a := c.post(renew)
		a.wantPage(t)
		maxAge(t, a, week)
		if got := c.expiry(c.sessionID()); got != week {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("by another request in the middle of a Renew is not lost", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(pass, before(func() { rival.post(persist(week)).wantPage(t) }))
		c.post(renew).wantPage(t)
		if got := c.expiry(c.sessionID()); got != week {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("of another request is kept by a change that rebases on it", t, func(t *testing.T) {
		_, c, id := begun(t)
		rival := c.tab()
		c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			rival.post(persist(week)).wantPage(t)
		}).wantPage(t)
		if got := c.expiry(id); got != week {
			t.Errorf("it ends in %v", got)
		}
		c.wantState("a=2")
	})

	bubble("with Renew, a login that is remembered", t, func(t *testing.T) {
		_, c, _ := begun(t)
		time.Sleep(time.Minute)
		a := c.post(inOrder(login, persist(week)))
		a.wantCookies(t, 1)
		maxAge(t, a, week)
		if got := c.expiry(c.sessionID()); got != week {
			t.Errorf("it ends in %v", got)
		}
		c.wantState("a=1 c=1")
	})
}

// Persist counts from its call. If each visit calls it, as the example shows, "keep me
// signed in" slides, until PersistLifetime after the session began or was renewed.
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
			a.wantCookies(t, 1) // with the full Max-Age
		} // 75 days
		if got := c.expiry(id); got != 15*day {
			t.Errorf("it ends in %v", got)
		}
		w.wantTrips(t, 2, func() { c.post(visit).wantPage(t) })
		time.Sleep(15 * day)
		c.wantState("empty")
	})
	bubble("at one save a day", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) { s.Persist(month) }).wantPage(t)
		w.wantTrips(t, 1, func() { c.post(visit).wantCookies(t, 0) })
	})
}

func TestRulePersistNeverShortens(t *testing.T) {
	bubble("Persist ends no session sooner", t, func(t *testing.T) {
		w, c, id := begun(t)
		before := w.stored(id).ExpiresAt
		c.post(func(s *session.Session) { s.Persist(time.Minute) }).wantPage(t)
		if after := w.stored(id).ExpiresAt; after.Before(before) {
			t.Errorf("from %v to %v", before, after)
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

func TestPersistentSessionEndsWithAShortenedPersistLifetime(t *testing.T) {
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

// PersistIdleTimeout gives persistent sessions an idle timeout of their own.
func TestRulePersistIdleTimeout(t *testing.T) {
	const day = 24 * time.Hour
	maxIdle := func(d time.Duration) func(*session.Config) {
		return func(cfg *session.Config) { cfg.PersistIdleTimeout = d }
	}
	persist := func(s *session.Session) { s.Persist(7 * day) }

	bubble("a persistent session ends when it was idle for PersistIdleTimeout", t, func(t *testing.T) {
		_, c, _ := begun(t, maxIdle(day))
		c.post(persist).wantPage(t)
		time.Sleep(day - time.Second)
		c.tab().wantState("a=1") // a touch
		time.Sleep(day - time.Second)
		c.wantState("a=1")
		time.Sleep(day)
		c.wantState("empty")
	})

	bubble("use keeps it, until Persist's span ends it", t, func(t *testing.T) {
		_, c, _ := begun(t, maxIdle(day))
		c.post(persist).wantPage(t)
		for range 13 {
			time.Sleep(day / 2)
			c.wantState("a=1")
		}
		time.Sleep(day/2 - time.Second)
		c.wantState("a=1")
		time.Sleep(time.Second)
		c.wantState("empty")
	})

	bubble("its cookie stays for all of the span: no touch sends it again", t, func(t *testing.T) {
		_, c, _ := begun(t, maxIdle(day))
		a := c.post(persist)
		if all := a.Result().Cookies(); len(all) != 1 || all[0].MaxAge != int(7*day/time.Second) {
			t.Errorf("Set-Cookie %q; want a Max-Age of 7 days", a.cookies())
		}
	})

	bubble("a session that is not persistent has its own", t, func(t *testing.T) {
		_, c, id := begun(t, maxIdle(day))
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})
}
