package session_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// tenant returns a handler that makes the session one of the tenant's.
func tenant(name string) func(*session.Session) {
	return func(s *session.Session) { s.SetLabel("tenant", name) }
}

// wantTenant checks that the tenant's sessions are those of the clients, in any order.
func (w *world) wantTenant(name string, clients ...*client) {
	w.t.Helper()
	all, err := w.m.SessionsBy(w.t.Context(), "tenant", name)
	wantErr(w.t, err, nil)
	got := map[string]string{}
	for _, s := range all {
		got[s.PublicID()] = s.Label("tenant")
	}
	want := map[string]string{}
	for _, c := range clients {
		want[c.sessionID()] = name
	}
	if !maps.Equal(got, want) {
		w.t.Errorf("%q has the sessions %v; want %v", name, got, want)
	}
}

// What holds of the sessions of an owner holds of those of a label.
func TestLabelsAreLikeOwners(t *testing.T) {
	listed = byLabel
	t.Cleanup(func() { listed = byOwner })
	t.Run("TestRuleOrderOfWrites", TestRuleOrderOfWrites)
	t.Run("TestRuleOrderOfWritesInterleaved", TestRuleOrderOfWritesInterleaved)
	t.Run("TestOwnerRaces", TestOwnerRaces)
}

func TestRuleSetLabel(t *testing.T) {
	t.Run("stores a session that has no values", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(tenant("acme")).wantCookies(t, 1)
		w.wantTenant("acme", c)
		w.wantTenant("other")
	})

	t.Run("to the value that it has saves nothing", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(tenant("acme")).wantPage(t)
		w.wantTrips(t, 1, func() { c.post(tenant("acme")).wantPage(t) })
		w.wantTrips(t, 1, func() { c.post(inOrder(tenant("other"), tenant("acme"))).wantPage(t) })
	})

	t.Run("replaces the value of that name, and no other label", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			s.SetOwner("ann")
			s.SetLabel("tenant", "acme")
			s.SetLabel("sid", "1")
		}).wantPage(t)
		c.post(tenant("other")).wantPage(t)
		w.wantTenant("acme")
		w.wantTenant("other", c)
		c.post(func(s *session.Session) {
			if got := s.Labels(); !maps.Equal(got, map[string]string{"tenant": "other", "sid": "1"}) {
				t.Errorf("labels %v", got)
			}
		})
		w.wantSessions("ann", c)
		c.post(tenant("")).wantPage(t)
		w.wantTenant("other")
		w.wantSessions("ann", c)
	})

	t.Run("shows in its own request", func(t *testing.T) {
		newWorld(t).client().post(func(s *session.Session) {
			if len(s.Labels()) != 0 {
				t.Errorf("labels %v", s.Labels())
			}
			s.SetLabel("tenant", "acme")
			if s.Label("tenant") != "acme" || s.Label("sid") != "" {
				t.Errorf("labels %v", s.Labels())
			}
		}).wantPage(t)
	})

	t.Run("goes on with the session that is renewed, touched and changed", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(tenant("acme")).wantPage(t)
		c.post(set("a=1")).wantPage(t)
		c.post(renew).wantPage(t)
		c.post(func(s *session.Session) { wantErr(t, s.Touch(t.Context()), nil) }).wantPage(t)
		w.wantTenant("acme", c)
		c.post(destroy).wantPage(t)
		w.wantTenant("acme")
	})

	t.Run("does not conflict: of two, the last wins, and other names stay", func(t *testing.T) {
		w, c, _ := begun(t, level(session.LevelStrict))
		tab := c.tab()
		c.post(func(s *session.Session) {
			s.SetLabel("tenant", "acme")
			s.SetLabel("sid", "1")
			tab.post(func(s *session.Session) {
				s.SetLabel("tenant", "other")
				s.SetLabel("kind", "kiosk")
			}).wantPage(t)
		}).wantPage(t)
		w.wantTenant("other")
		w.wantTenant("acme", c)
		c.post(func(s *session.Session) {
			if s.Label("sid") != "1" || s.Label("kind") != "kiosk" {
				t.Errorf("labels %v", s.Labels())
			}
		})
	})

	t.Run("that was saved is not repeated over another request's", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			s.SetLabel("tenant", "acme")
			wantErr(t, s.Save(t.Context()), nil)
			tab.post(tenant("other")).wantPage(t)
			keyB.Set(s, 1)
		}).wantPage(t)
		w.wantTenant("other", c)
	})

	t.Run("that came to nothing is not repeated over another request's", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(tenant("acme")).wantPage(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			s.SetLabel("tenant", "acme")
			wantErr(t, s.Save(t.Context()), nil)
			tab.post(tenant("other")).wantPage(t)
			keyB.Set(s, 1)
		}).wantPage(t)
		w.wantTenant("other", c)
	})

	t.Run("in an Update that fails is undone", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			_ = s.Update(t.Context(), func(s *session.Session) error { s.SetLabel("tenant", "acme"); return http.ErrAbortHandler })
		}).wantPage(t)
		w.wantTenant("acme")
	})

	t.Run("of a session that has ended begins none with what was read of it", func(t *testing.T) {
		w, c, id := begun(t)
		c.post(tenant("acme")).wantPage(t)
		c.post(func(s *session.Session) {
			read := s.Label("tenant")
			wantErr(t, w.m.Revoke(t.Context(), id), nil)
			s.Renew()
			s.SetLabel("tenant", read)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		w.wantTenant("acme")
	})
}

func TestRuleLabelLimits(t *testing.T) {
	eight := func(s *session.Session) {
		for i := range 8 {
			s.SetLabel(string(rune('a'+i)), strings.Repeat("v", 512))
		}
	}
	for _, tc := range []struct {
		rule string
		fn   func(*session.Session)
		err  error
	}{
		{"eight of the largest values", eight, nil},
		{"eight, of which one is replaced", inOrder(eight, func(s *session.Session) { s.SetLabel("a", "1") }), nil},
		{"nine", inOrder(eight, func(s *session.Session) { s.SetLabel("i", "1") }), session.ErrTooLarge},
		{"nine less one", inOrder(eight, func(s *session.Session) { s.SetLabel("a", ""); s.SetLabel("i", "1") }), nil},
		{"a long name", func(s *session.Session) { s.SetLabel(strings.Repeat("n", 64), "1") }, nil},
		{"a name that is too long", func(s *session.Session) { s.SetLabel(strings.Repeat("n", 65), "1") }, session.ErrTooLarge},
		{"a value that is too long", func(s *session.Session) { s.SetLabel("a", strings.Repeat("v", 513)) }, session.ErrTooLarge},
		{"no name", func(s *session.Session) { s.SetLabel("", "1") }, session.ErrEncode},
		{"a NUL in the name", func(s *session.Session) { s.SetLabel("a\x00b", "1") }, session.ErrEncode},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 300 }) // labels do not count
			a := w.client().post(tc.fn)
			if tc.err == nil {
				a.wantPage(t)
				return
			}
			a.wantError(t, http.StatusInternalServerError, tc.err)
			if n := w.store.Trips(); n != 0 {
				t.Errorf("%d trips", n)
			}
		})
	}

	t.Run("OwnerLimit is not about labels", func(t *testing.T) {
		w := newWorld(t, limit(1, true))
		one, other := w.client(), w.client()
		one.post(tenant("acme")).wantPage(t)
		other.post(tenant("acme")).wantPage(t)
		w.wantTenant("acme", one, other)
	})

	t.Run("a full list is told by name, and nothing is saved", func(t *testing.T) {
		w := newWorld(t)
		wantErr(t, session.FillLabelIndex(w.m, "tenant", "acme", 4096, func(int) time.Duration { return 0 }), nil)
		a := w.client().post(tenant("acme"))
		a.wantError(t, http.StatusConflict, session.ErrTooManySessions)
		if !strings.Contains(a.err.Error(), `label "tenant"`) || !strings.Contains(w.log.String(), "RevokeBy") {
			t.Errorf("error %v, log %s", a.err, &w.log.text)
		}
	})
}

func TestRuleRevokeBy(t *testing.T) {
	t.Run("ends all sessions of the value and no other's", func(t *testing.T) {
		w := newWorld(t)
		one, two, other, none := w.client(), w.client(), w.client(), w.client()
		one.post(inOrder(set("a=1"), tenant("acme"))).wantPage(t)
		two.post(inOrder(signIn("ann"), tenant("acme"))).wantPage(t)
		other.post(inOrder(set("a=1"), tenant("other"))).wantPage(t)
		none.post(set("a=1")).wantPage(t)
		wantErr(t, w.m.RevokeBy(t.Context(), "tenant", "acme"), nil)
		one.wantState("empty")
		two.wantState("empty")
		other.wantState("a=1")
		none.wantState("a=1")
		w.wantTenant("acme")
		w.wantSessions("ann")
	})

	t.Run("of an owner's name ends none of the owner's", func(t *testing.T) {
		w, c := member(t)
		wantErr(t, w.m.RevokeBy(t.Context(), "user", "ann"), nil)
		c.wantState("a=1")
	})

	t.Run("of another name with the same value ends none", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(set("a=1"), tenant("acme"))).wantPage(t)
		wantErr(t, w.m.RevokeBy(t.Context(), "customer", "acme"), nil)
		c.wantState("a=1")
	})

	t.Run("of another namespace ends none", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(set("a=1"), tenant("acme"))).wantPage(t)
		other := w.manager(func(cfg *session.Config) { cfg.Namespace = "other" })
		wantErr(t, other.RevokeBy(t.Context(), "tenant", "acme"), nil)
		c.wantState("a=1")
	})

	t.Run("leaves a session that has another value by now", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(set("a=1"), tenant("acme"))).wantPage(t)
		w.onSave(before(func() { c.post(tenant("other")).wantPage(t) }))
		wantErr(t, w.m.RevokeBy(t.Context(), "tenant", "acme"), nil)
		c.wantState("a=1")
	})

	t.Run("of nothing is an error that says so", func(t *testing.T) {
		w := newWorld(t)
		for _, err := range []error{
			w.m.RevokeBy(t.Context(), "", "acme"), w.m.RevokeBy(t.Context(), "tenant", ""),
			second(w.m.SessionsBy(t.Context(), "", "acme")), second(w.m.SessionsBy(t.Context(), "tenant", "")),
		} {
			if err == nil || !strings.Contains(err.Error(), "without") {
				t.Errorf("error %v", err)
			}
		}
	})

	t.Run("tells of a lost list in a request of such a session, and ends that", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(set("a=1"), tenant("acme"))).wantPage(t)
		for _, sv := range w.savesSince(0) {
			if info, err := session.Inspect(sv.Record); err == nil && info.Kind == session.KindLabelIndex {
				w.erase(sv.ID)
			}
		}
		c.handle("POST", func(_ http.ResponseWriter, r *http.Request) {
			load(t, r)
			wantErr(t, w.m.RevokeBy(r.Context(), "tenant", "acme"), session.ErrNotListed)
		})
		c.wantState("empty")
	})

	bubble("a session that is used lists itself again", t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(set("a=1"), tenant("acme"))).wantPage(t)
		for _, sv := range w.savesSince(0) {
			if info, err := session.Inspect(sv.Record); err == nil && info.Kind == session.KindLabelIndex {
				w.erase(sv.ID)
			}
		}
		w.wantTenant("acme")
		time.Sleep(10 * time.Minute)
		w.wantTrips(t, 4, func() { c.post(read(keyA)).wantPage(t) })
		w.wantTenant("acme", c)
	})
}

func second(_ []*session.Session, err error) error { return err }

// The trips that each label costs in addition to those of TestRuleCosts.
func TestRuleLabelCosts(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		before string // the tenant
		fn     func(*session.Session)
		trips  int64
	}{
		{"reads", "acme", read(keyA), 1},
		{"changes", "acme", set("a=2"), 2},
		{"sets a label: 2 more", "", tenant("acme"), 4},
		{"login with owner and label: 4 more than a Renew", "", inOrder(signIn("ann"), tenant("acme")), 7},
		{"logout: 2 more", "acme", destroy, 4},
		{"renews: 4 more", "acme", renew, 7},
		{"another value: 4 more", "acme", tenant("other"), 6},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(set("a=1"), tenant(tc.before))).wantPage(t)
			w.wantTrips(t, tc.trips, func() { c.post(tc.fn).wantPage(t) })
		})
	}
}
