package session_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

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
