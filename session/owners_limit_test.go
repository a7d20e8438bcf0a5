package session_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

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

func TestRuleOwnerLimitDefault(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		limit int
		want  int
	}{
		{"is 100", 0, 100},
		{"a negative one is no limit", -1, 103},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, limit(tc.limit, false))
			for range 103 {
				w.client().post(own("ann")).wantPage(t)
			}
			if got := len(w.publicIDs("ann")); got != tc.want {
				t.Errorf("%d sessions; want %d", got, tc.want)
			}
		})
	}

	t.Run("as many as can be listed is accepted", func(t *testing.T) {
		newWorld(t, limit(4096, false))
	})
}

// A session that is being renewed is in two records for a moment.
func TestRuleOwnerLimitOfARenewal(t *testing.T) {
	// during runs do when the client's renewal has stored the new record and has not yet
	// ended the old one.
	during := func(w *world, c *client, do func()) {
		w.t.Helper()
		w.onSave(pass, pass, before(do))
		c.post(renew).wantPage(w.t)
	}

	bubble("a login ends one session, not the one that is renewed", t, func(t *testing.T) {
		w, oldest := member(t, limit(2, false))
		time.Sleep(time.Second)
		c, third := w.client(), w.client()
		c.post(signIn("ann")).wantPage(t)
		time.Sleep(time.Second)
		during(w, c, func() { third.post(signIn("ann")).wantPage(t) })
		c.wantState("a=1")
		third.wantState("a=1")
		oldest.wantState("empty")
		w.wantSessions("ann", c, third)
	})

	bubble("a login that ends the one that is renewed ends what is to replace it", t, func(t *testing.T) {
		w, oldest := member(t, limit(2, false))
		time.Sleep(time.Second)
		c, third := w.client(), w.client()
		c.post(signIn("ann")).wantPage(t)
		time.Sleep(time.Second)
		during(w, oldest, func() {
			third.post(signIn("ann")).wantPage(t)
			w.wantSessions("ann", c, third)
		})
		oldest.wantState("empty")
		w.wantSessions("ann", c, third)
	})

	bubble("a login is refused where there is no room beside it, and only there", t, func(t *testing.T) {
		w, c := member(t, limit(2, true))
		second, third := w.client(), w.client()
		during(w, c, func() { second.post(signIn("ann")).wantPage(t) })
		during(w, c, func() { third.post(signIn("ann")).wantError(t, http.StatusConflict, session.ErrTooManySessions) })
		w.wantSessions("ann", c, second)
	})

	bubble("a login does not wait for it", t, func(t *testing.T) {
		w, c := member(t, limit(2, true))
		second := w.client()
		w.onSave(pass, before(func() { // the save of the index, before that of the new record
			begin := time.Now()
			second.post(signIn("ann")).wantPage(t)
			if took := time.Since(begin); took != 0 {
				t.Errorf("it took %v", took)
			}
		}))
		c.post(renew).wantPage(t)
		w.wantSessions("ann", c, second)
	})
}
