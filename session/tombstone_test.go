package session_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A request that carries the old cookie finds the tombstone.
func TestRuleTombstone(t *testing.T) {
	begin := func(t *testing.T, opts ...func(*session.Config)) (w *world, user, old *client) {
		w, user, _ = begun(t, opts...)
		old = user.tab()
		user.post(login).wantPage(t)
		return w, user, old
	}

	t.Run("is served as anonymous, and no cookie is set", func(t *testing.T) {
		w, user, old := begin(t)
		w.wantTrips(t, 1, func() {
			a := old.post(func(s *session.Session) {
				if got := show(s); got != "empty" {
					t.Errorf("it sees %q", got)
				}
			})
			a.wantPage(t)
			a.wantCookies(t, 0)
		})
		user.wantState("a=1 c=1")
	})

	for name, change := range map[string]func(*session.Session){
		"Set":     set("b=2"),
		"Update":  add(keyB, 1),
		"Persist": func(s *session.Session) { keyB.Set(s, 1); s.Persist(time.Hour) },
	} {
		t.Run("writes nothing: a change is ErrEnded: "+name, func(t *testing.T) {
			w, user, old := begin(t)
			saves := w.store.Saves.Load()
			a := old.post(change)
			a.wantError(t, http.StatusConflict, session.ErrEnded)
			a.wantCookies(t, 0)
			if w.store.Saves.Load() != saves {
				t.Error("something was saved")
			}
			user.wantState("a=1 c=1")
		})
	}

	t.Run("Save and Session.Update are ErrEnded", func(t *testing.T) {
		_, _, old := begin(t)
		old.post(func(s *session.Session) {
			keyB.Set(s, 2)
			wantErr(t, s.Save(context.Background()), session.ErrEnded)
		}).wantCookies(t, 0)
		old.post(func(s *session.Session) {
			wantErr(t, s.Update(context.Background(), setting("b=2")), session.ErrEnded)
		}).wantCookies(t, 0)
	})

	t.Run("Renew on it starts an empty session with this request's sets, and sets its cookie", func(t *testing.T) {
		_, user, old := begin(t)
		tab := old.tab()
		a := old.post(login)
		a.wantPage(t)
		a.wantCookies(t, 1)
		old.wantState("c=1")
		user.wantState("a=1 c=1")
		if old.sessionID() == user.sessionID() {
			t.Error("the privileged session was reached")
		}
		tab.wantState("empty")
	})

	t.Run("Renew that loses to one starts an empty session with this request's sets, and sets its cookie", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) {
			login(s)
			tab.post(login).wantPage(t)
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("c=1")
		tab.wantState("a=1 c=1")
	})

	t.Run("Renew that loses to one carries no value of the old session over that both took", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		callback := inOrder(pop, login) // an OAuth callback with its state in a
		a := c.post(func(s *session.Session) {
			callback(s)
			tab.post(callback).wantPage(t)
		})
		if a.err == nil || a.Code != http.StatusConflict {
			t.Errorf("got %d, %v; want a conflict", a.Code, a.err)
		}
		a.wantCookies(t, 0)
		tab.wantState("c=1")
		c.wantState("empty")
	})

	t.Run("Renew that loses between its two steps, too", func(t *testing.T) {
		w, c, old := begun(t)
		tab := c.tab()
		w.onSave(pass, before(func() { tab.post(login).wantPage(t) }))
		a := c.post(login)
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("c=1")
		tab.wantState("a=1 c=1")
		live := 0
		seen := map[string]bool{old: true}
		for _, sv := range w.savesSince(0) {
			if !seen[sv.ID] && w.stored(sv.ID) != nil {
				live++
			}
			seen[sv.ID] = true
		}
		if live != 2 {
			t.Errorf("%d records are left; want the two that have a cookie", live)
		}
	})

	t.Run("Renew in a Session.Update that loses to one, too", func(t *testing.T) {
		for name, when := range map[string]int{"before it": 0, "in its closure": 1, "between the two steps": 2} {
			t.Run(name, func(t *testing.T) {
				w, c, _ := begun(t)
				tab := c.tab()
				theirs := sync.OnceFunc(func() { tab.post(login).wantPage(t) })
				a := c.post(func(s *session.Session) {
					s.Renew()
					if when == 0 {
						theirs()
					}
					wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
						if login(s); when == 1 {
							theirs()
						} else if when == 2 {
							w.onSave(pass, before(theirs))
						}
						return nil
					}), nil)
				})
				w.calm()
				a.wantPage(t)
				a.wantCookies(t, 1)
				c.wantState("c=1")
				tab.wantState("a=1 c=1")
			})
		}
	})

	t.Run("Renew that loses to a logout, too", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) {
			login(s)
			tab.post((*session.Session).Destroy).wantPage(t)
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("c=1")
		tab.wantState("empty")
	})

	t.Run("parallel logins from one cookie all work", func(t *testing.T) {
		_, c, _ := begun(t)
		const n = 8
		meet := barrier(n)
		tabs := make([]*client, n)
		for i := range tabs {
			tabs[i] = c.tab()
		}
		parallel(n, func(i int) {
			tabs[i].post(func(s *session.Session) { meet(); login(s) }).wantPage(t)
		})
		old := 0
		for _, tab := range tabs {
			switch got := tab.state(); got {
			case "a=1 c=1":
				old++
			case "c=1":
			default:
				t.Errorf("a login ended in %q", got)
			}
		}
		if old != 1 {
			t.Errorf("the old data went to %d sessions", old)
		}
	})

	t.Run("a login whose answer was lost works again", func(t *testing.T) {
		_, c, _ := begun(t)
		lost := c.tab()
		lost.post(login)
		c.post(login).wantPage(t)
		c.wantState("c=1")
	})

	t.Run("after five minutes it still opens nothing, and a login works", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, user, old := begin(t)
			time.Sleep(5*time.Minute + time.Second)
			old.wantState("empty")
			a := old.post(login)
			a.wantPage(t)
			a.wantCookies(t, 1)
			old.wantState("c=1")
			user.wantState("a=1 c=1")
		})
	})
}

func TestRuleStartOver(t *testing.T) {
	t.Run("the session is new", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			tab.post(login).wantPage(t)
			login(s)
			wantErr(t, s.Save(context.Background()), nil)
			if !s.IsNew() {
				t.Error("it is not")
			}
		}).wantPage(t)
	})

	t.Run("what was read of the old data before does not get into it", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			n, _ := keyA.Get(s)
			runs := 0
			err := s.Update(context.Background(), func(s *session.Session) error {
				if runs++; runs == 1 {
					tab.post(login).wantPage(t)
				}
				s.Renew()
				keyA.Set(s, n+1)
				return nil
			})
			wantErr(t, err, session.ErrEnded)
			if runs != 1 {
				t.Errorf("%d runs", runs)
			}
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		c.wantState("empty")
	})

	t.Run("what was written to the old data before is not built upon in it", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			keyB.Get(s)
			keyB.Set(s, 1)
			wantErr(t, s.Save(context.Background()), nil)
			runs := 0
			err := s.Update(context.Background(), func(s *session.Session) error {
				if runs++; runs == 1 {
					tab.post(login).wantPage(t)
				}
				s.Renew()
				keyB.Set(s, 2)
				return nil
			})
			wantErr(t, err, session.ErrEnded)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		c.wantState("empty")
	})

	t.Run("its changes keep the codec they are encoded in", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		name := session.NewKey[string]("name")
		c.m = w.manager(func(cfg *session.Config) { cfg.Codec = session.JSON() })
		c.post(func(s *session.Session) {
			tab.post(login).wantPage(t)
			name.Set(s, "Ada")
			s.Renew()
		}).wantPage(t)
		c.post(func(s *session.Session) {
			if got, ok := name.Get(s); got != "Ada" {
				t.Errorf("the name is %q, %v", got, ok)
			}
		}).wantPage(t)
	})
}

func TestRenewThatQueuesAndThenFindsATombstoneStartsOver(t *testing.T) {
	bubble("and is no error", t, func(t *testing.T) {
		w, c, _ := begun(t)
		first, rival, other := c.elsewhere(), c.elsewhere(), c.elsewhere()
		w.onSave(pass, then(func() {
			w.onSave(then(func() { rival.post(add(keyB, 1)).wantPage(t) }, pass), pass,
				then(func() { time.Sleep(time.Second); other.post(login).wantPage(t) }, pass))
			go first.post(add(keyA, 1))
			synctest.Wait()
		}, pass))
		c.post(login).wantPage(t)
		c.wantState("c=1")
	})
}
