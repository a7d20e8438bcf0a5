package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleSessions(t *testing.T) {
	bubble("are listed by their last use, with what they hold", t, func(t *testing.T) {
		w := newWorld(t)
		begin := time.Now()
		laptop, phone, tablet := w.client(), w.client(), w.client()
		laptop.post(set("b=7")).wantPage(t)
		time.Sleep(time.Minute)
		for _, c := range []*client{laptop, phone, tablet} {
			c.post(signIn("ann")).wantPage(t)
			time.Sleep(10 * time.Minute)
		}
		laptop.post(read(keyA)).wantPage(t)
		all := w.sessions("ann")
		if len(all) != 3 {
			t.Fatalf("%d sessions", len(all))
		}
		for i, c := range []*client{laptop, tablet, phone} {
			if all[i].PublicID() != c.sessionID() {
				t.Errorf("number %d is another", i)
			}
		}
		s := all[0]
		if s.Owner() != "ann" || show(s) != "a=1 b=7" || s.IsNew() {
			t.Errorf("it is of %q, has %q, new %v", s.Owner(), show(s), s.IsNew())
		}
		now := begin.Add(31 * time.Minute)
		if !s.CreatedAt().Equal(begin) || !s.LastSeenAt().Equal(now) || !s.ExpiresAt().Equal(now.Add(time.Hour)) {
			t.Errorf("created %v, seen %v, expires %v", s.CreatedAt(), s.LastSeenAt(), s.ExpiresAt())
		}
	})

	t.Run("are those of this user alone", func(t *testing.T) {
		w, ann := member(t)
		bob, guest := w.client(), w.client()
		bob.post(signIn("bob"))
		guest.post(set("a=1"))
		w.wantSessions("ann", ann)
		w.wantSessions("bob", bob)
		w.wantSessions("")
		w.wantSessions("an")
	})

	t.Run("are those of this Namespace alone", func(t *testing.T) {
		w, ann := member(t)
		other := w.clientOf(w.manager(func(cfg *session.Config) { cfg.Namespace = "n" }))
		other.post(signIn("ann"))
		w.wantSessions("ann", ann)
		wantErr(t, other.m.RevokeAll(t.Context(), "ann"), nil)
		other.wantState("empty")
		ann.wantState("a=1")
	})

	bubble("are none that have expired", t, func(t *testing.T) {
		w, gone := member(t)
		time.Sleep(40 * time.Minute)
		c := w.client()
		c.post(signIn("ann"))
		time.Sleep(20 * time.Minute)
		gone.wantState("empty")
		w.wantSessions("ann", c)
	})

	bubble("are none that this Config's Lifetime has ended, and yet they stay another's", t, func(t *testing.T) {
		w, c := member(t)
		time.Sleep(30 * time.Minute)
		c.post(set("b=1"))
		time.Sleep(50 * time.Minute)
		short := w.manager(func(cfg *session.Config) { cfg.Lifetime = time.Hour })
		all, err := short.Sessions(t.Context(), "ann")
		if len(all) != 0 || err != nil {
			t.Errorf("%d sessions, error %v", len(all), err)
		}
		w.wantSessions("ann", c)
	})

	bubble("are those that last longer than this Config allows", t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.PersistLifetime = 300 * 24 * time.Hour })
		c := w.client()
		c.post(inOrder(signIn("ann"), func(s *session.Session) { s.Persist(200 * 24 * time.Hour) }))
		time.Sleep(100 * 24 * time.Hour)
		w.clientOf(w.manager()).post(signIn("ann")) // one of 30 days writes the owner index
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		c.wantState("empty")
	})

	for name, end := range map[string]func(*session.Session){
		"destroyed": destroy,
		"nobody's":  own(""),
		"another's": own("bob"),
	} {
		t.Run("are none that is "+name+", and no trip is spent on it", func(t *testing.T) {
			w, c := member(t)
			c.post(end).wantPage(t)
			if n := w.trips(func() { w.wantSessions("ann") }); n != 1 {
				t.Errorf("%d trips", n)
			}
		})
	}

	t.Run("are one after a Renew, by its new public ID", func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		c.post(renew).wantPage(t)
		w.wantSessions("ann", c)
		if c.sessionID() == old {
			t.Error("the public ID is the old one")
		}
	})

	t.Run("take one trip, and one for each", func(t *testing.T) {
		w := newWorld(t)
		for n := range int64(4) {
			if got := w.trips(func() { w.publicIDs("ann") }); got != n+1 {
				t.Errorf("%d trips for %d sessions", got, n)
			}
			w.client().post(signIn("ann"))
		}
	})

	t.Run("can be changed by Update, but not else", func(t *testing.T) {
		w, c := member(t)
		s := w.sessions("ann")[0]
		wantErr(t, s.Update(t.Context(), setting("c=3")), nil)
		keyB.Set(s, 1)
		wantErr(t, s.Update(t.Context(), setting("c=4")), session.ErrRequestDone)
		c.wantState("a=1 c=3")
	})

	t.Run("that cannot be read are passed over", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		rec := w.stored(tab.sessionID())
		rec.Data = []byte("cuneiform")
		wantErr(t, w.store.Provider.Save(t.Context(), rec, -1), nil)
		w.wantSessions("ann", c)
	})

	t.Run("fail with the store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := member(t)
			w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...)
			_, err := w.m.Sessions(t.Context(), "ann")
			wantErr(t, err, session.ErrUnavailable)
		})
	})

	t.Run("end with the context", func(t *testing.T) {
		w, _ := member(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		all, err := w.m.Sessions(ctx, "ann")
		if !errors.Is(err, context.Canceled) || all != nil {
			t.Errorf("%d sessions, error %v", len(all), err)
		}
	})
}

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
		if n := w.trips(func() { c.post(own("ann")).wantPage(t) }); n != 1 {
			t.Errorf("%d trips", n)
		}
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

func TestRuleLastSeen(t *testing.T) {
	bubble("is told by use, give or take TouchInterval", t, func(t *testing.T) {
		w, c := member(t)
		begin := time.Now()
		time.Sleep(6*time.Minute - time.Second)
		c.post(read(keyA))
		if got := w.sessions("ann")[0].LastSeenAt(); !got.Equal(begin) {
			t.Errorf("it is %v", got.Sub(begin))
		}
		time.Sleep(2 * time.Second)
		c.post(read(keyA))
		if got := w.sessions("ann")[0].LastSeenAt(); !got.Equal(time.Now()) {
			t.Errorf("it is %v", got.Sub(begin))
		}
	})

	for _, tc := range []struct {
		rule  string
		user  string
		touch int64
	}{
		{"of a persistent session is told as well", "ann", 2}, // its list is looked at, too
		{"of a persistent session that is nobody's costs nothing", "", 0},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(signIn(tc.user), func(s *session.Session) { s.Persist(10 * 24 * time.Hour) })).wantPage(t)
			id := c.sessionID()
			expires := w.stored(id).ExpiresAt
			time.Sleep(3 * time.Hour)
			if n := w.trips(func() { c.post(read(keyA)) }); n != 1+tc.touch {
				t.Errorf("%d trips", n)
			}
			if n := w.trips(func() { c.post(read(keyA)) }); n != 1 {
				t.Errorf("%d trips right after it", n)
			}
			if got := w.stored(id).ExpiresAt; !got.Equal(expires) {
				t.Errorf("its end went from %v to %v", expires, got)
			}
			if all := w.sessions("ann"); len(all) == 1 && !all[0].LastSeenAt().Equal(time.Now()) {
				t.Errorf("it is %v ago", time.Since(all[0].LastSeenAt()))
			}
		})
	}

	bubble("is told at the end of the lifetime, where use extends nothing", t, func(t *testing.T) {
		w, c := member(t)
		for range 47 {
			time.Sleep(30 * time.Minute)
			c.post(read(keyA))
		}
		time.Sleep(20 * time.Minute)
		c.post(read(keyA))
		if got := w.sessions("ann")[0].LastSeenAt(); !got.Equal(time.Now()) {
			t.Errorf("it is %v ago", time.Since(got))
		}
	})

	t.Run("is zero until the session is stored", func(t *testing.T) {
		newWorld(t).client().post(func(s *session.Session) {
			if !s.LastSeenAt().IsZero() {
				t.Errorf("it is %v", s.LastSeenAt())
			}
		})
	})
}

// What owners cost, beside what TestRuleCosts says.
func TestRuleOwnerCosts(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		as    string // whose session it is before
		fn    func(*session.Session)
		trips int64
	}{
		{"reads", "ann", read(keyA), 1},
		{"reads and changes", "ann", inOrder(read(keyA), set("a=2")), 2},
		{"updates", "ann", add(keyA, 1), 2},
		{"clears", "ann", clearAll, 2},
		{"sets values to what they were", "ann", set("a=1"), 1},
		{"persists", "ann", func(s *session.Session) { s.Persist(time.Hour) }, 2},
		{"makes a session somebody's: 2 more", "", own("ann"), 4},
		{"login: 2 more than a Renew", "", signIn("ann"), 5},
		{"logout: 2 more than a Destroy", "ann", destroy, 4},
		{"makes a session nobody's: 2 more", "ann", own(""), 4},
		{"renews: 4 more", "ann", renew, 7},
		{"another user: 4 more", "ann", signIn("bob"), 7},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(set("a=1"), own(tc.as))).wantPage(t)
			if got := w.trips(func() { c.post(tc.fn).wantPage(t) }); got != tc.trips {
				t.Errorf("%d trips; want %d", got, tc.trips)
			}
		})
	}

	t.Run("login of a visitor without a session: 2 more", func(t *testing.T) {
		w := newWorld(t)
		if got := w.trips(func() { w.client().post(signIn("ann")).wantPage(t) }); got != 3 {
			t.Errorf("%d trips", got)
		}
	})
}
