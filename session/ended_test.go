package session_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Values that a request has read from a session that has ended do not get into a new one.
func TestRuleNothingOfAnEndedSession(t *testing.T) {
	lossy := session.NewKey[int]("a").LastWriteWins()
	merging := session.NewKey[int]("a").MergeWith(func(_, mine, theirs int) int { return max(mine, theirs) })
	reads := map[string]func(*testing.T, *world, *session.Session){
		"Owner":                   func(_ *testing.T, _ *world, s *session.Session) { s.Owner() },
		"Get":                     func(_ *testing.T, _ *world, s *session.Session) { keyA.Get(s) },
		"Get of LastWriteWins":    func(_ *testing.T, _ *world, s *session.Session) { lossy.Get(s) },
		"Pop of LastWriteWins":    func(_ *testing.T, _ *world, s *session.Session) { lossy.Pop(s) },
		"Keys":                    func(_ *testing.T, _ *world, s *session.Session) { s.Keys() },
		"the closure of Update":   func(_ *testing.T, _ *world, s *session.Session) { add(keyA, 1)(s) },
		"Get of what Update gave": func(_ *testing.T, _ *world, s *session.Session) { add(keyA, 1)(s); keyA.Get(s) },
		"Get before a Save": func(t *testing.T, _ *world, s *session.Session) {
			keyA.Get(s)
			keyB.Set(s, 2)
			wantErr(t, s.Save(t.Context()), nil)
		},
		"Get in a closure of Session.Update that fails": func(t *testing.T, _ *world, s *session.Session) {
			wantErr(t, s.Update(t.Context(), func(s *session.Session) error { keyA.Get(s); return io.EOF }), io.EOF)
		},
		"a three-way merge": func(t *testing.T, w *world, s *session.Session) {
			merging.Set(s, 3)
			wantErr(t, w.m.Update(t.Context(), s.PublicID(), func(s *session.Session) error { keyA.Set(s, 5); return nil }), nil)
			wantErr(t, s.Save(t.Context()), nil)
		},
	}
	begins := map[string]func(*session.Session){
		"Renew":   func(s *session.Session) { s.Renew() },
		"Destroy": destroy,
	}
	levels := map[string]session.Isolation{"merge": session.LevelMerge, "serializable": session.LevelSerializable, "strict": session.LevelStrict}
	for levelName, l := range levels {
		for readName, look := range reads {
			if l == session.LevelStrict && readName == "a three-way merge" { // it does not merge
				continue
			}
			for beginName, begin := range begins {
				bubble(strings.Join([]string{levelName, readName, beginName}, ", "), t, func(t *testing.T) {
					w, c := member(t, level(l))
					a := c.post(func(s *session.Session) {
						look(t, w, s)
						wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
						begin(s)
						s.SetOwner("ann")
						keyC.Set(s, 1)
					})
					a.wantError(t, http.StatusConflict, session.ErrEnded)
					w.wantSessions("ann")
					c.wantState("empty")
				})
			}
		}
		bubble(levelName+": by a closure of Session.Update", t, func(t *testing.T) {
			w, c := member(t, level(l))
			owner := ""
			c.post(func(s *session.Session) {
				wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
					if found := s.Owner(); found != "" {
						owner = found
					}
					wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
					s.Renew()
					s.SetOwner(owner)
					return nil
				}), session.ErrEnded)
			}).wantError(t, http.StatusConflict, session.ErrEnded)
			w.wantSessions("ann")
		})
	}

	bubble("by a later commit than that of the Destroy", t, func(t *testing.T) {
		w, c := member(t)
		c.post(func(s *session.Session) {
			owner := s.Owner()
			wantErr(t, w.m.RevokeAll(t.Context(), owner), nil)
			s.Destroy()
			wantErr(t, s.Save(t.Context()), nil)
			s.Destroy()
			s.SetOwner(owner)
			wantErr(t, s.Save(t.Context()), session.ErrEnded)
		})
		w.wantSessions("ann")
	})

	bubble("what was read may go into a new session of a request that ends the old one itself", t, func(t *testing.T) {
		w, c := member(t)
		c.post(func(s *session.Session) {
			n, _ := keyA.Get(s)
			owner := s.Owner()
			s.Destroy()
			s.SetOwner(owner)
			keyB.Set(s, n)
		}).wantPage(t)
		w.wantSessions("ann", c)
		c.wantState("b=1")
	})

	bubble("who has read only that nothing was there signs in, twice at once", t, func(t *testing.T) {
		w, c, _ := begun(t)
		signIn := func(s *session.Session) {
			if _, ok := keyC.Get(s); ok || s.Owner() != "" {
				t.Error("the session is somebody's")
			}
			s.Renew()
			s.SetOwner("ann")
			keyB.Set(s, 2)
		}
		tab := c.tab()
		c.post(func(s *session.Session) {
			signIn(s)
			tab.post(signIn).wantPage(t)
		}).wantPage(t)
		w.wantSessions("ann", c, tab)
	})

	bubble("a flash after a logout that another request was first with is lost", t, func(t *testing.T) {
		flash := session.NewKey[string]("flash").LastWriteWins()
		w, c := member(t)
		tab := c.tab()
		signOut := func(s *session.Session) { s.Owner(); s.Destroy(); flash.Set(s, "signed out") }
		c.post(func(s *session.Session) {
			signOut(s)
			tab.post(signOut).wantPage(t)
		}).wantPage(t)
		w.wantSessions("ann")
	})
}

// expiredAtOnce is a save that the store acknowledges and then treats as an expired
// record.
func expiredAtOnce(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return nil }

// A session that was saved and is absent a moment later is logged.
func TestRuleVanished(t *testing.T) {
	vanishings := func(w *world) int { return strings.Count(w.log.String(), "was saved a moment ago") }
	begin := func(w *world) *client {
		c := w.client()
		w.onSave(expiredAtOnce)
		c.post(set("a=1")).wantPage(t)
		return c
	}

	bubble("it is logged, at no further trip", t, func(t *testing.T) {
		w := newWorld(t)
		c := begin(w)
		w.wantTrips(t, 1, func() { c.wantState("empty") })
		if n := vanishings(w); n != 1 || !strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("logged %d times, want once: %s", n, &w.log)
		}
	})

	bubble("once an hour", t, func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			c := begin(w)
			c.wantState("empty")
			c.wantState("empty")
		}
		if n := vanishings(w); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
		time.Sleep(time.Hour)
		begin(w).wantState("empty")
		if n := vanishings(w); n != 2 {
			t.Errorf("logged %d times after an hour, want twice", n)
		}
	})

	bubble("after a login as well", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(expiredAtOnce)
		c.post((*session.Session).Renew).wantPage(t)
		c.wantState("empty")
		if n := vanishings(w); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
	})

	for _, tc := range []struct {
		rule  string
		idle  time.Duration
		after time.Duration
		want  int
	}{
		{"for a minute", time.Hour, time.Minute - 1, 1},
		{"for no longer than a minute", time.Hour, time.Minute, 0},
		{"for half of its time", time.Minute, 30*time.Second - 1, 1},
		{"for no longer than half of its time", time.Minute, 30 * time.Second, 0},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w := newWorld(t, func(cfg *session.Config) { cfg.IdleTimeout = tc.idle })
			c := begin(w)
			time.Sleep(tc.after)
			c.wantState("empty")
			if n := vanishings(w); n != tc.want {
				t.Errorf("logged %d times, want %d", n, tc.want)
			}
		})
	}

	bubble("what was ended has not vanished", t, func(t *testing.T) {
		w, c, _ := begun(t)
		old := c.tab()
		c.post((*session.Session).Destroy).wantPage(t)
		old.wantState("empty")
		time.Sleep(10 * time.Minute)
		old.wantState("empty")
		if n := vanishings(w); n != 0 {
			t.Errorf("logged %d times, want never", n)
		}
	})
}
