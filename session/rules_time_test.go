package session_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// expiry returns in how long the client's session ends, by what is stored.
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
		if n := w.trips(func() { c.wantState("a=1") }); n != 1 {
			t.Errorf("%d trips before", n)
		}
		if got := c.expiry(id); got != 54*time.Minute+time.Second {
			t.Errorf("it ends in %v", got)
		}
		time.Sleep(2 * time.Second)
		if n := w.trips(func() { c.wantState("a=1") }); n != 2 {
			t.Errorf("%d trips after", n)
		}
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	bubble("TouchInterval sets another part", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.TouchInterval = 20 * time.Minute })
		time.Sleep(19 * time.Minute)
		if n := w.trips(func() { c.wantState("a=1") }); n != 1 {
			t.Errorf("%d trips before", n)
		}
		time.Sleep(2 * time.Minute)
		if n := w.trips(func() { c.wantState("a=1") }); n != 2 {
			t.Errorf("%d trips after", n)
		}
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

// A Lifetime that was shortened holds for the sessions of before, too.
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

func TestRuleTouch(t *testing.T) {
	due := 10 * time.Minute

	bubble("that conflicts is dropped", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(due)
		tab := c.tab()
		c.post(func(*session.Session) { tab.post(set("a=7")).wantPage(t) }).wantPage(t)
		c.wantState("a=7")
		if n := len(w.savesSince(1)); n > 2 {
			t.Errorf("%d saves; the touch was tried again", n)
		}
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	for name, meanwhile := range map[string]func(w *world, tab *client, id string){
		"absent":    func(w *world, _ *client, id string) { w.erase(id) },
		"destroyed": func(_ *world, tab *client, _ string) { tab.post(destroy) },
		"renewed":   func(_ *world, tab *client, _ string) { tab.post(renew) },
	} {
		bubble("of a session that is gone ends quietly: "+name, t, func(t *testing.T) {
			w, c, id := begun(t)
			time.Sleep(due)
			a := c.post(func(*session.Session) { meanwhile(w, c.tab(), id) })
			a.wantPage(t)
			a.wantCookies(t, 0)
			c.wantState("empty")
		})
	}

	for name, fault := range map[string]saveHook{
		"broken": dropped,
		"hung": func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"full": refused(provider.ErrFull),
	} {
		bubble("that fails is dropped and logged: "+name, t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(due)
			w.onSave(fault, fault, fault, fault, fault)
			c.post(read(keyA)).wantPage(t)
			w.calm()
			if w.log.String() == "" {
				t.Error("nothing is logged")
			}
			c.wantState("a=1")
		})
	}

	bubble("is no change, at LevelStrict", t, func(t *testing.T) {
		_, c, _ := begun(t, level(session.LevelStrict))
		tab := c.tab()
		time.Sleep(due)
		c.post(func(s *session.Session) {
			keyA.Get(s)
			keyA.Set(s, 2)
			tab.post(read(keyA)) // touches
		}).wantPage(t)
		c.wantState("a=2")
	})

	bubble("does not undo what was set meanwhile", t, func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		time.Sleep(due)
		w.onSave(before(func() { tab.post(set("b=2")) }))
		c.post(read(keyA)).wantPage(t)
		c.wantState("a=1 b=2")
	})

	bubble("and a change are one save", t, func(t *testing.T) {
		w, c, _ := begun(t)
		time.Sleep(due)
		c.post(func(s *session.Session) { keyA.Set(s, 2) }).wantPage(t)
		if n := len(w.savesSince(1)); n != 1 {
			t.Errorf("%d saves; a change is a touch, too", n)
		}
	})

	bubble("does not follow a change, however long the response is", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.handle(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
			s, _ := session.Load(r.Context())
			keyA.Set(s, 2)
			io.WriteString(rw, "page")
			time.Sleep(due)
		}).wantPage(t)
		if n := len(w.savesSince(1)); n != 1 {
			t.Errorf("%d saves of one request", n)
		}
	})
}

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
		if n := w.trips(func() { c.wantState("a=1") }); n != 1 {
			t.Errorf("%d trips", n)
		}
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
