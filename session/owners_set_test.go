package session_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleSetOwner(t *testing.T) {
	t.Run("stores a session that has no values", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(own("ann")).wantCookies(t, 1)
		w.wantSessions("ann", c)
	})

	t.Run("of a new session to nobody stores nothing", func(t *testing.T) {
		w := newWorld(t)
		w.client().post(own("")).wantCookies(t, 0)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("without Renew keeps the ID", func(t *testing.T) {
		w, c, id := begun(t)
		c.post(own("ann")).wantCookies(t, 0)
		if c.sessionID() != id {
			t.Error("the ID is another")
		}
		w.wantSessions("ann", c)
	})

	t.Run("to whose it is saves nothing", func(t *testing.T) {
		w, c := member(t)
		w.wantTrips(t, 1, func() { c.post(own("ann")).wantPage(t) })
		w.wantSessions("ann", c)
	})

	t.Run("that came to nothing is done, and undoes nobody's later", func(t *testing.T) {
		w, c := member(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			s.SetOwner("ann")
			wantErr(t, s.Save(t.Context()), nil)
			tab.post(own("bob")).wantPage(t)
			keyB.Set(s, 1)
		}).wantPage(t)
		w.wantSessions("bob", c)
		w.wantSessions("ann")
	})

	t.Run("that has landed is done, and undoes nobody's later", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			s.SetOwner("ann")
			wantErr(t, s.Save(t.Context()), nil)
			tab.post(own("bob")).wantPage(t)
			keyB.Set(s, 1)
		}).wantPage(t)
		w.wantSessions("bob", c)
		w.wantSessions("ann")
	})

	bubble("is not saved if the list cannot be, whose outcome is none of the session's", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(then(func() { w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...) }, dropped))
		a := c.post(own("ann"))
		w.calm()
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		if errors.Is(a.err, session.ErrOutcomeUnknown) {
			t.Errorf("error %v", a.err)
		}
		if got := c.owner(); got != "" {
			t.Errorf("it is of %q", got)
		}
	})

	t.Run("the last one of a request counts", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(own("ann"), own("bob"))).wantPage(t)
		w.wantSessions("bob", c)
		w.wantSessions("ann")
	})

	t.Run("switches users, and back", func(t *testing.T) {
		w, c := member(t)
		for _, user := range []string{"bob", "ann", "bob", "", "ann"} {
			c.post(own(user)).wantPage(t)
			for _, u := range []string{"ann", "bob"} {
				if u == user {
					w.wantSessions(u, c)
				} else {
					w.wantSessions(u)
				}
			}
		}
	})

	t.Run("switches users together with Renew", func(t *testing.T) {
		w, c := member(t)
		c.post(signIn("bob")).wantPage(t)
		w.wantSessions("bob", c)
		w.wantSessions("ann")
	})

	t.Run("after Destroy is of the new session", func(t *testing.T) {
		w, c := member(t)
		old := c.tab()
		c.post(inOrder(destroy, own("bob"))).wantPage(t)
		w.wantSessions("bob", c)
		w.wantSessions("ann")
		old.wantState("empty")
	})

	t.Run("before Destroy goes with the session", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(inOrder(own("ann"), destroy)).wantPage(t)
		w.wantSessions("ann")
	})

	t.Run("outlives Clear", func(t *testing.T) {
		w, c := member(t)
		c.post(clearAll).wantPage(t)
		c.wantState("empty")
		w.wantSessions("ann", c)
	})

	t.Run("is seen by Owner at once", func(t *testing.T) {
		_, c := member(t)
		c.post(func(s *session.Session) {
			s.SetOwner("bob")
			if s.Owner() != "bob" {
				t.Errorf("Owner is %q", s.Owner())
			}
			s.Destroy()
			if s.Owner() != "" {
				t.Errorf("after Destroy Owner is %q", s.Owner())
			}
		})
	})

	for _, user := range []string{"\xff\x00", "ann\x00", " ", "世界"} {
		t.Run("takes any user ID", func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(signIn(user)).wantPage(t)
			w.wantSessions(user, c)
			if got := c.owner(); got != user {
				t.Errorf("Owner is %q; want %q", got, user)
			}
		})
	}

	t.Run("too large for MaxSize fails before any I/O", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(own(string(make([]byte, 65<<10)))).wantError(t, http.StatusInternalServerError, session.ErrTooLarge)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("of a response that is an error is dropped", func(t *testing.T) {
		w, c, _ := begun(t)
		c.send(http.MethodPost, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.SetOwner("ann")
			w.WriteHeader(http.StatusInternalServerError)
		})
		w.wantSessions("ann")
	})

	t.Run("is undone with the closure of an Update", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			wantErr(t, s.Update(t.Context(), func(s *session.Session) error { s.SetOwner("ann"); return errBroken }), errBroken)
		}).wantPage(t)
		w.wantSessions("ann")
	})

	t.Run("is undone with a run of a Replay", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		runs := 0
		c.serve(replay(w.m, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if runs++; runs == 1 {
				read(keyA)(s)
				set("a=2")(s)
				s.SetOwner("ann")
				tab.post(set("a=3"))
			}
		}), request("POST", "")).wantPage(t)
		if runs != 2 {
			t.Errorf("%d runs", runs)
		}
		w.wantSessions("ann")
	})

	for _, l := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		t.Run("conflicts like any change", func(t *testing.T) {
			w, c, _ := begun(t, level(l))
			tab := c.tab()
			a := c.post(func(s *session.Session) { s.SetOwner("ann"); tab.post(set("b=1")) })
			if l == session.LevelStrict {
				a.wantError(t, http.StatusConflict, session.ErrConflict)
				w.wantSessions("ann")
				return
			}
			a.wantPage(t)
			w.wantSessions("ann", c)
		})
	}

	t.Run("conflicts at LevelSerializable if what was read has changed", func(t *testing.T) {
		w, c, _ := begun(t, level(session.LevelSerializable))
		tab := c.tab()
		a := c.post(func(s *session.Session) { read(keyA)(s); s.SetOwner("ann"); tab.post(set("a=2")) })
		a.wantError(t, http.StatusConflict, session.ErrConflict)
		w.wantSessions("ann")
	})

	t.Run("of many requests at once leaves the session to one of the users", func(t *testing.T) {
		w, c, _ := begun(t)
		users := []string{"ann", "bob", "eve", "joe"}
		all := barrier(4 * len(users))
		parallel(4*len(users), func(i int) {
			c.tab().post(func(s *session.Session) { s.SetOwner(users[i%len(users)]); all() }).wantPage(t)
		})
		w.wantSessions(c.owner(), c)
		w.wantRevocable()
	})

	t.Run("of many sessions at once loses none", func(t *testing.T) {
		w := newWorld(t)
		clients := make([]*client, 30)
		all := barrier(len(clients))
		parallel(len(clients), func(i int) {
			clients[i] = w.client()
			clients[i].post(func(s *session.Session) { signIn("ann")(s); all() }).wantPage(t)
		})
		w.wantSessions("ann", clients...)
	})

	t.Run("by a login clicked twice gives both a session", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			signIn("ann")(s)
			tab.post(signIn("ann")).wantPage(t)
		}).wantPage(t)
		c.wantState("a=1")
		tab.wantState("a=1")
		w.wantSessions("ann", c, tab)
	})
}
