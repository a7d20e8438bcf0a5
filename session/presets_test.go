package session_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// The limits of NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3, written down a second
// time.
var assuranceLevels = []struct {
	name            string
	preset          func() session.Config
	inactive, inAll time.Duration // 0: no limit
	pause           time.Duration // the time between the visits of an active user
}{
	{"AAL1", session.AAL1, 0, 30 * 24 * time.Hour, 24 * time.Hour},
	{"AAL2", session.AAL2, time.Hour, 24 * time.Hour, 50 * time.Minute},
	{"AAL3", session.AAL3, 15 * time.Minute, 12 * time.Hour, 10 * time.Minute},
}

// moments are times around a limit, and whether the session exists then.
var moments = []struct {
	name string
	off  time.Duration
	want string
}{
	{"a second before", -time.Second, "a=1"},
	{"at", 0, "empty"},
	{"a second after", time.Second, "empty"},
}

// preset is an option of newWorld.
func preset(p func() session.Config) func(*session.Config) {
	return func(cfg *session.Config) {
		limits := p()
		cfg.IdleTimeout, cfg.Lifetime, cfg.PersistLifetime, cfg.PersistIdleTimeout = limits.IdleTimeout, limits.Lifetime, limits.PersistLifetime, limits.PersistIdleTimeout
	}
}

func TestPresets(t *testing.T) {
	for _, l := range assuranceLevels {
		for how, begin := range map[string]func(*session.Session){
			"":             func(*session.Session) {},
			", persistent": func(s *session.Session) { s.Persist(400 * 24 * time.Hour) },
		} {
			for _, m := range moments {
				if l.inactive > 0 {
					bubble(l.name+how+"/inactive, "+m.name+" the limit", t, func(t *testing.T) {
						_, c, _ := begun(t, preset(l.preset))
						c.post(begin).wantPage(t)
						time.Sleep(l.inactive + m.off)
						c.wantState(m.want)
					})
				}
				bubble(l.name+how+"/in all, "+m.name+" the limit", t, func(t *testing.T) {
					_, c, _ := begun(t, preset(l.preset))
					c.post(begin).wantPage(t)
					visitUntil(c, time.Now().Add(l.inAll+m.off), l.pause)
					c.wantState(m.want)
				})
			}
		}
	}
}

// visitUntil makes visits at that interval, and returns at that time. The last visit is
// more than a second before.
func visitUntil(c *client, end time.Time, pause time.Duration) {
	for time.Until(end) > pause+time.Second {
		time.Sleep(pause)
		c.wantState("a=1")
	}
	time.Sleep(time.Until(end))
}

// Not every visit is saved, but no visit makes a session outlive its limit.
func TestPresetsAndVisitsThatAreNotSaved(t *testing.T) {
	for _, l := range assuranceLevels[1:] {
		for part := range time.Duration(20) {
			last := l.inactive * part / 20
			bubble(fmt.Sprint(l.name, ", the last at ", last, ": not past the limit"), t, func(t *testing.T) {
				_, c, _ := begun(t, preset(l.preset))
				time.Sleep(last)
				c.wantState("a=1")
				time.Sleep(l.inactive)
				c.wantState("empty")
			})
			bubble(fmt.Sprint(l.name, ", the last at ", last, ": a TouchInterval before it at the earliest"), t, func(t *testing.T) {
				_, c, _ := begun(t, preset(l.preset))
				time.Sleep(last)
				c.wantState("a=1")
				time.Sleep(l.inactive - l.inactive/10)
				c.wantState("a=1")
			})
			for _, m := range moments {
				bubble(fmt.Sprint(l.name, ", the last at ", last, ": to the second with a TouchInterval of one, ", m.name), t, func(t *testing.T) {
					_, c, _ := begun(t, preset(l.preset), func(cfg *session.Config) { cfg.TouchInterval = time.Second })
					time.Sleep(last)
					c.wantState("a=1")
					time.Sleep(l.inactive + m.off)
					c.wantState(m.want)
				})
			}
		}
	}
}

func TestPresetsBeginAnewWithRenew(t *testing.T) {
	for _, l := range assuranceLevels {
		bubble(l.name, t, func(t *testing.T) {
			_, c, _ := begun(t, preset(l.preset))
			visitUntil(c, time.Now().Add(l.inAll-time.Second), l.pause)
			c.post(renew).wantPage(t)
			visitUntil(c, time.Now().Add(l.inAll-time.Second), l.pause)
			c.wantState("a=1")
			time.Sleep(time.Second)
			c.wantState("empty")
		})
	}
}

func TestPresetsSetTheLimitsOnly(t *testing.T) {
	for _, l := range assuranceLevels {
		cfg := l.preset()
		limits := session.Config{IdleTimeout: cfg.IdleTimeout, Lifetime: cfg.Lifetime, PersistLifetime: cfg.PersistLifetime, PersistIdleTimeout: cfg.PersistIdleTimeout}
		if got, want := fmt.Sprintf("%+v", cfg), fmt.Sprintf("%+v", limits); got != want {
			t.Errorf("%s is\n%s, and\n%s are its limits", l.name, got, want)
		}
		cfg.SigningKeys = [][]byte{bytes.Repeat([]byte("k"), 32)}
		newManager(t, newWorld(t).store, cfg)
	}
}
