package session_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Entries of an owner index that lead to no session of the owner's.
func TestRuleStaleEntries(t *testing.T) {
	for name, look := range map[string]func(w *world){
		"Sessions":  func(w *world) { w.publicIDs("ann") },
		"RevokeAll": func(w *world) { wantErr(w.t, w.m.RevokeAll(w.t.Context(), "ann"), nil) },
	} {
		for why, end := range map[string]func(w *world, c *client){
			"has expired": func(w *world, c *client) { time.Sleep(time.Hour) },
			"was renewed, which could not be noted": func(w *world, c *client) {
				w.onSave(pass, pass, pass, refused(provider.ErrFull))
				c.post(renew)
				w.calm()
				c.post(destroy)
			},
			"was destroyed, which could not be noted": func(w *world, c *client) {
				w.onSave(pass, refused(provider.ErrFull))
				c.post(destroy)
				w.calm()
			},
			"is another's, which could not be noted": func(w *world, c *client) {
				w.onSave(pass, pass, refused(provider.ErrFull))
				c.post(own("bob"))
				w.calm()
			},
		} {
			bubble("are pruned when "+name+" meets what "+why, t, func(t *testing.T) {
				w, c := member(t)
				end(w, c)
				look(w)
				if n := w.trips(func() { w.publicIDs("ann") }); n != 1 {
					t.Errorf("%d trips", n)
				}
			})
		}
	}

	for _, tc := range []struct {
		rule string
		held func(w *world, hold func()) *client // a login that is held up after its entry
		stay func(w *world)
	}{
		{
			"stay while a new session is to be saved",
			func(w *world, hold func()) *client {
				c := w.client()
				w.onSave(pass, before(hold))
				c.post(signIn("ann")).wantPage(w.t)
				return c
			},
			func(w *world) { w.publicIDs("ann") },
		},
		{
			"stay while the session is still nobody's",
			func(w *world, hold func()) *client {
				c := w.client()
				c.post(set("a=1"))
				w.onSave(pass, before(hold))
				c.post(own("ann")).wantPage(w.t)
				return c
			},
			func(w *world) { wantErr(w.t, w.m.RevokeAll(w.t.Context(), "ann"), nil) },
		},
		{
			"stay while the session is still another's, and was the owner's before",
			func(w *world, hold func()) *client {
				c := w.client()
				c.post(own("ann"))
				w.onSave(pass, pass, refused(provider.ErrFull)) // its old entry stays
				c.post(own("bob"))
				w.calm()
				time.Sleep(50 * time.Minute)
				c.post(set("b=1"))
				time.Sleep(50 * time.Minute)
				w.onSave(pass, before(hold))
				c.post(own("ann")).wantPage(w.t)
				return c
			},
			func(w *world) { w.publicIDs("ann") },
		},
		{
			"stay while a renewal is under way",
			func(w *world, hold func()) *client {
				c := w.client()
				c.post(signIn("ann"))
				w.onSave(pass, before(hold))
				c.post(renew).wantPage(w.t)
				return c
			},
			func(w *world) { w.publicIDs("ann") },
		},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w := newWorld(t)
			c := tc.held(w, func() {
				tc.stay(w)
				wantErr(t, w.m.Revoke(t.Context(), "nobody"), session.ErrEnded)
				w.publicIDs("ann")
			})
			w.wantSessions("ann", c)
			wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
			c.wantState("empty")
		})
	}

	bubble("go an hour after their login has failed", t, func(t *testing.T) {
		w := newWorld(t)
		w.onSave(pass)
		w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
		w.client().post(signIn("ann"))
		w.calm()
		time.Sleep(time.Hour - time.Minute)
		if n := w.trips(func() { w.publicIDs("ann") }); n == 1 {
			t.Error("it went early")
		}
		time.Sleep(2 * time.Minute)
		w.publicIDs("ann")
		if n := w.trips(func() { w.publicIDs("ann") }); n != 1 {
			t.Errorf("%d trips", n)
		}
	})

	bubble("of a renewal that has failed go with it", t, func(t *testing.T) {
		w, c := member(t)
		w.onSave(pass, pass)
		w.onSave(slices.Repeat([]saveHook{dropped}, 4)...)
		c.post(renew)
		w.calm()
		w.wantSessions("ann", c)
		if n := w.trips(func() { w.publicIDs("ann") }); n != 2 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("of a renewal that has failed stay if its record may be there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c := member(t)
			w.store.OnDelete = func(context.Context, string, storetest.DeleteFunc) error { return errBroken }
			w.onSave(pass, pass)
			w.onSave(slices.Repeat([]saveHook{dropped}, 4)...)
			c.post(renew)
			w.calm()
			w.wantRevocable()
		})
	})

	t.Run("that are struck off already cost no save", func(t *testing.T) {
		w, c := member(t)
		tab := c.tab()
		n := w.store.Saves.Load()
		c.post(func(s *session.Session) { s.Destroy(); tab.post(destroy).wantPage(t) }).wantPage(t)
		if got := w.savesSince(n); len(got) != 3 { // a tombstone, the owner index, a tombstone in vain
			t.Errorf("%d saves", len(got))
		}
	})

	bubble("of sessions that just expire do not heap up, though nobody lists them", t, func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		keepers := make([]*client, 5)
		for i := range keepers {
			keepers[i] = w.client()
			keepers[i].post(inOrder(signIn("ann"), func(s *session.Session) { s.Persist(29 * 24 * time.Hour) }))
		}
		for range 300 {
			time.Sleep(2 * time.Hour)
			w.client().post(signIn("ann")).wantPage(t)
		}
		if n := w.trips(func() { w.publicIDs("ann") }); n > 40 {
			t.Errorf("the owner index has %d entries", n-1)
		}
		for _, c := range keepers {
			c.wantState("a=1")
		}
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		for _, c := range keepers {
			c.wantState("empty")
		}
	})
}

func TestRuleOwnerLimit(t *testing.T) {
	bubble("the oldest goes", t, func(t *testing.T) {
		w := newWorld(t, limit(2, false))
		clients := make([]*client, 5)
		for i := range clients {
			clients[i] = w.client()
			clients[i].post(signIn("ann")).wantPage(t)
			w.wantSessions("ann", clients[max(0, i-1):i+1]...)
			time.Sleep(time.Second)
		}
		clients[2].wantState("empty")
	})

	bubble("the oldest is who signed in first, not who was seen first", t, func(t *testing.T) {
		w := newWorld(t, limit(2, false))
		one, two, three := w.client(), w.client(), w.client()
		for _, c := range []*client{one, two} {
			c.post(signIn("ann"))
			time.Sleep(10 * time.Minute)
		}
		one.post(set("b=1"))
		three.post(signIn("ann")).wantPage(t)
		w.wantSessions("ann", two, three)
	})

	t.Run("or the login is refused", func(t *testing.T) {
		w := newWorld(t, limit(2, true))
		one, two, three := w.client(), w.client(), w.client()
		one.post(signIn("ann")).wantPage(t)
		two.post(signIn("ann")).wantPage(t)
		three.post(set("b=1")).wantPage(t)
		a := three.post(signIn("ann"))
		a.wantError(t, http.StatusConflict, session.ErrTooManySessions)
		a.wantCookies(t, 0)
		three.wantState("b=1")
		w.wantSessions("ann", one, two)
		one.post(destroy)
		three.post(signIn("ann")).wantPage(t)
		w.wantSessions("ann", two, three)
	})

	t.Run("the handler can answer a refusal itself", func(t *testing.T) {
		w, _ := member(t, limit(1, true))
		c := w.client()
		a := c.send(http.MethodPost, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			signIn("ann")(s)
			wantErr(t, s.Save(r.Context()), session.ErrTooManySessions)
			http.Error(w, "sign out elsewhere", http.StatusForbidden)
		})
		if a.Code != http.StatusForbidden || a.err != nil {
			t.Errorf("status %d, error %v", a.Code, a.err)
		}
		a.wantCookies(t, 0)
	})

	for _, refuses := range []bool{false, true} {
		name := map[bool]string{false: "where the oldest goes ", true: "where logins are refused "}[refuses]

		t.Run(name+"a Renew does not count twice", func(t *testing.T) {
			w, c := member(t, limit(1, refuses))
			for range 3 {
				c.post(renew).wantPage(t)
				c.post(signIn("ann")).wantPage(t)
			}
			w.wantSessions("ann", c)
		})

		t.Run(name+"a Renew does not end another", func(t *testing.T) {
			w, c := member(t, limit(2, refuses))
			other := w.client()
			other.post(signIn("ann")).wantPage(t)
			c.post(renew).wantPage(t)
			other.post(renew).wantPage(t)
			w.wantSessions("ann", c, other)
		})

		bubble(name+"a Renew of the oldest works where there are too many", t, func(t *testing.T) {
			w, c := member(t)
			for range 2 {
				time.Sleep(time.Second)
				w.client().post(signIn("ann")).wantPage(t)
			}
			c.m = w.manager(limit(2, refuses))
			c.post(renew).wantPage(t)
			c.wantState("a=1")
			want := map[bool]int{false: 2, true: 3}[refuses]
			if n := len(w.publicIDs("ann")); n != want {
				t.Errorf("%d sessions; want %d", n, want)
			}
		})

		t.Run(name+"a Renew that has to run again does not count twice", func(t *testing.T) {
			w, c := member(t, limit(1, refuses))
			tab := c.tab()
			runs := 0
			c.post(func(s *session.Session) {
				wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
					if runs++; runs == 1 {
						tab.post(set("b=1"))
					}
					s.Renew()
					return nil
				}), nil)
			}).wantPage(t)
			w.wantSessions("ann", c)
		})

		t.Run(name+"what was destroyed, revoked or is another's does not count", func(t *testing.T) {
			w, c := member(t, limit(1, refuses))
			for _, end := range []func(){
				func() { c.post(destroy) },
				func() { wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil) },
				func() { c.post(own("bob")) },
				func() { c.post(own("")) },
			} {
				end()
				c = w.client()
				c.post(signIn("ann")).wantPage(t)
				w.wantSessions("ann", c)
			}
		})

		bubble(name+"what has expired does not count", t, func(t *testing.T) {
			w, _ := member(t, limit(1, refuses))
			time.Sleep(time.Hour)
			c := w.client()
			c.post(signIn("ann")).wantPage(t)
			w.wantSessions("ann", c)
		})

		t.Run(name+"what cannot be read, and so is not listed, does not count", func(t *testing.T) {
			w, c := member(t, limit(1, refuses))
			rec := w.stored(c.sessionID())
			rec.Data = []byte("cuneiform")
			wantErr(t, w.store.Provider.Save(t.Context(), rec, -1), nil)
			other := w.client()
			other.post(signIn("ann")).wantPage(t)
			w.wantSessions("ann", other)
		})

		t.Run(name+"users do not count for each other", func(t *testing.T) {
			w, ann := member(t, limit(1, refuses))
			bob := w.client()
			bob.post(signIn("bob")).wantPage(t)
			w.wantSessions("ann", ann)
			w.wantSessions("bob", bob)
		})

		t.Run(name+"a session that changes hands counts", func(t *testing.T) {
			w, ann := member(t, limit(1, refuses))
			bob := w.client()
			bob.post(signIn("bob")).wantPage(t)
			a := bob.post(own("ann"))
			if refuses {
				a.wantError(t, http.StatusConflict, session.ErrTooManySessions)
				w.wantSessions("ann", ann)
				w.wantSessions("bob", bob)
				return
			}
			w.wantSessions("ann", bob)
			w.wantSessions("bob")
		})
	}

	t.Run("many logins at once get past it until the next one at most", func(t *testing.T) {
		w := newWorld(t, limit(3, false))
		all := barrier(12)
		parallel(12, func(int) {
			w.client().post(func(s *session.Session) { signIn("ann")(s); all() }).wantPage(t)
		})
		w.client().post(signIn("ann")).wantPage(t)
		if n := len(w.publicIDs("ann")); n != 3 {
			t.Errorf("%d sessions", n)
		}
	})

	t.Run("many logins at once are refused over it", func(t *testing.T) {
		w := newWorld(t, limit(3, true))
		all := barrier(12)
		parallel(12, func(int) {
			w.client().post(func(s *session.Session) { signIn("ann")(s); all() })
		})
		if n := len(w.publicIDs("ann")); n > 3 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A reader that has judged an entry stale must not strike it off when its login has
// been repeated since.
func TestRuleStaleEntryOfARepeatedLogin(t *testing.T) {
	bubble("is struck off", t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.IdleTimeout = 24 * time.Hour })
		c := w.client()
		c.post(set("b=1")).wantPage(t)
		w.onSave(pass, refused(provider.ErrFull)) // the owner index is saved, the session is not
		c.post(own("ann"))
		time.Sleep(61 * time.Minute)
		w.onFetch(nil, func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			rec, err := next(ctx, id)
			c.post(own("ann")).wantPage(t) // while the sessions are listed
			return rec, err
		})
		w.sessions("ann")
		if got := w.publicIDs("ann"); len(got) != 1 {
			t.Errorf("listed are %q", got)
		}
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		if c.owner() != "" {
			t.Error("the session has outlived RevokeAll")
		}
	})
}
