package session_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// ways are the ways of revoking the one session that ann has.
var ways = map[string]func(w *world) func(ctx context.Context, publicID string) error{
	"Revoke": func(w *world) func(context.Context, string) error { return w.m.Revoke },
	"RevokeAll": func(w *world) func(context.Context, string) error {
		return func(ctx context.Context, _ string) error { return w.m.RevokeAll(ctx, "ann") }
	},
	"RevokeOthers": func(w *world) func(context.Context, string) error {
		other := w.client()
		other.post(signIn("ann"))
		s := loaded(other)
		return func(ctx context.Context, _ string) error {
			err := w.m.RevokeOthers(ctx, s)
			other.post(destroy)
			return err
		}
	},
}

// A revoked session ends as a destroyed one does.
func TestRuleRevoked(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()

			t.Run("is a CAS into a tombstone, not an unconditional delete", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				version := w.stored(id).Version
				n := w.store.Saves.Load()
				wantErr(t, revoke(ctx, id), nil)
				if w.store.Deletes.Load() != 0 || !slices.ContainsFunc(w.savesSince(n), func(sv save) bool { return sv.ID == id && sv.expect == version }) {
					t.Error("it is something else")
				}
			})

			t.Run("its cookie opens nothing, and its requests set none", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				wantErr(t, revoke(ctx, c.sessionID()), nil)
				a := c.post(read(keyA))
				a.wantPage(t)
				a.wantCookies(t, 0)
				c.wantState("empty")
				c.post(signIn("ann")).wantPage(t) // a login works
				w.wantSessions("ann", c)
			})

			t.Run("a request in flight saves nothing", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				a := c.post(func(s *session.Session) {
					keyB.Set(s, 2)
					wantErr(t, revoke(ctx, id), nil)
				})
				a.wantError(t, http.StatusConflict, session.ErrEnded)
				a.wantCookies(t, 0)
				c.wantState("empty")
				w.wantSessions("ann")
			})

			t.Run("a request in flight takes the session nowhere by SetOwner", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				c.post(func(s *session.Session) {
					s.SetOwner("bob")
					wantErr(t, revoke(ctx, id), nil)
				}).wantError(t, http.StatusConflict, session.ErrEnded)
				w.wantSessions("bob")
			})

			t.Run("a touch in flight ends quietly", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(cfg *session.Config) { cfg.TouchInterval = 1 })
					c := w.client()
					c.post(signIn("ann"))
					id, revoke := c.sessionID(), way(w)
					c.post(func(*session.Session) { wantErr(t, revoke(ctx, id), nil) }).wantPage(t)
					c.wantState("empty")
				})
			})

			t.Run("a renewal in flight begins an empty session that is nobody's", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				c.post(func(s *session.Session) {
					s.Renew()
					keyB.Set(s, 2)
					wantErr(t, revoke(ctx, id), nil)
				}).wantPage(t)
				c.wantState("b=2")
				if got := c.owner(); got != "" {
					t.Errorf("it is of %q", got)
				}
				w.wantSessions("ann")
			})

			t.Run("follows a renewal", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				w.onSave(before(func() { c.post(renew).wantPage(t) })) // before the tombstone is saved
				wantErr(t, revoke(ctx, id), nil)
				c.wantState("empty")
				w.wantRevocable()
			})

			t.Run("goes before what is changed meanwhile", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				w.onSave(before(func() { c.post(set("a=5")).wantPage(t) }))
				wantErr(t, revoke(ctx, id), nil)
				c.wantState("empty")
			})

			for _, l := range []session.Isolation{session.LevelSerializable, session.LevelStrict} {
				t.Run("is not stopped by a level", func(t *testing.T) {
					w, c := member(t, level(l))
					revoke := way(w)
					id := c.sessionID()
					w.onSave(before(func() { c.post(set("a=5")).wantPage(t) }))
					wantErr(t, revoke(ctx, id), nil)
					c.wantState("empty")
				})
			}

			for fault, hook := range map[string]func(*world) saveHook{
				"landed": func(*world) saveHook { return landed },
				"lost":   func(*world) saveHook { return dropped },
				"late":   func(w *world) saveHook { return w.late },
			} {
				t.Run("of unknown outcome is retried: "+fault, func(t *testing.T) {
					w, c := member(t)
					revoke := way(w)
					id := c.sessionID()
					w.onSave(hook(w))
					wantErr(t, revoke(ctx, id), nil)
					c.wantState("empty")
				})
			}

			t.Run("twice is no error", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				wantErr(t, revoke(ctx, id), nil)
				wantErr(t, revoke(ctx, id), nil)
			})

			t.Run("of what another user has got meanwhile", func(t *testing.T) {
				w, c := member(t)
				revoke := way(w)
				id := c.sessionID()
				w.onSave(before(func() { c.post(own("bob")).wantPage(t) }))
				wantErr(t, revoke(ctx, id), nil)
				if name == "Revoke" {
					c.wantState("empty") // it does not check the owner
					return
				}
				w.wantSessions("bob", c)
			})
		})
	}
}

func TestRuleRevoke(t *testing.T) {
	ctx := t.Context()

	t.Run("of an unknown public ID is ErrEnded", func(t *testing.T) {
		w := newWorld(t)
		for _, publicID := range []string{"", "x", "a b", "\x00", "\xff", strings.Repeat("x", 300)} {
			wantErr(t, w.m.Revoke(ctx, publicID), session.ErrEnded)
		}
		if n := w.store.Saves.Load(); n != 0 {
			t.Errorf("%d saves", n)
		}
	})

	t.Run("of a session that is nobody's", func(t *testing.T) {
		w, c, id := begun(t)
		wantErr(t, w.m.Revoke(ctx, id), nil)
		c.wantState("empty")
	})

	bubble("by an old name ends what the session was renewed to, as long as that may live", t, func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		c.post(renew).wantPage(t)
		for range 47 { // 23.5 hours
			time.Sleep(30 * time.Minute)
			c.wantState("a=1")
		}
		wantErr(t, w.m.Revoke(ctx, old), nil)
		c.wantState("empty")
	})

	bubble("by an old name of a persistent session ends it as long as it may live", t, func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		c.post(func(s *session.Session) { s.Renew(); s.Persist(20 * 24 * time.Hour) }).wantPage(t)
		time.Sleep(20*24*time.Hour - time.Minute)
		wantErr(t, w.m.Revoke(ctx, old), nil)
		c.wantState("empty")
	})

	bubble("by a name of two renewals ago ends the session", t, func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		for range 3 {
			c.post(renew).wantPage(t)
			time.Sleep(50 * time.Minute)
		}
		wantErr(t, w.m.Revoke(ctx, old), nil)
		c.wantState("empty")
	})

	bubble("by a name that leads nowhere says that nothing was ended", t, func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		c.post(renew).wantPage(t)
		c.post(func(s *session.Session) { s.Persist(20 * 24 * time.Hour) }).wantPage(t)
		time.Sleep(25 * time.Hour)
		wantErr(t, w.m.Revoke(ctx, old), session.ErrEnded)
		c.wantState("a=1")
		wantErr(t, w.m.Revoke(ctx, w.sessions("ann")[0].PublicID()), nil)
		c.wantState("empty")
	})

	bubble("by an old name of what has expired says that nothing was ended", t, func(t *testing.T) {
		w, c := member(t)
		old := c.sessionID()
		c.post(renew).wantPage(t)
		time.Sleep(2 * time.Hour)
		wantErr(t, w.m.Revoke(ctx, old), session.ErrEnded)
	})

	bubble("of what has ended is nil for five minutes", t, func(t *testing.T) {
		w, c := member(t)
		id := c.sessionID()
		c.post(destroy).wantPage(t)
		time.Sleep(5*time.Minute - time.Second)
		wantErr(t, w.m.Revoke(ctx, id), nil)
		time.Sleep(time.Second)
		wantErr(t, w.m.Revoke(ctx, id), session.ErrEnded)
	})

	bubble("of what expires meanwhile is nil", t, func(t *testing.T) {
		w, c := member(t)
		id := c.sessionID()
		w.onSave(before(func() { w.erase(id) }))
		wantErr(t, w.m.Revoke(ctx, id), nil)
	})

	t.Run("of what a session is about to be renewed to is not undone by the renewal", func(t *testing.T) {
		w, c := member(t)
		old, next := c.sessionID(), ""
		w.onSave(pass, pass, before(func() { // the list and the new record; not the tombstone
			for _, id := range w.publicIDs("ann") {
				if id != old {
					next = id
				}
			}
			wantErr(t, w.m.Revoke(ctx, next), nil)
			c.tab().post(set("b=2")).wantPage(t) // which the new record has to be brought up to
		}))
		c.post(renew).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		if w.lives(next) {
			t.Error("it lives again")
		}
		c.wantState("a=1 b=2")
		w.wantSessions("ann", c)
	})

	t.Run("takes the session off the list", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		wantErr(t, w.m.Revoke(ctx, c.sessionID()), nil)
		w.wantTrips(t, 2, func() { w.publicIDs("ann") })
	})

	t.Run("fails with the store and can be repeated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c := member(t)
			id := c.sessionID()
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			wantErr(t, w.m.Revoke(ctx, id), session.ErrUnavailable)
			w.calm()
			c.wantState("a=1")
			w.wantSessions("ann", c)
			wantErr(t, w.m.Revoke(ctx, id), nil)
			c.wantState("empty")
		})
	})

	t.Run("succeeds where only the list cannot be written", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c := member(t)
			w.onSave(pass)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			wantErr(t, w.m.Revoke(ctx, c.sessionID()), nil)
			w.calm()
			c.wantState("empty")
			w.wantSessions("ann")
		})
	})
}
