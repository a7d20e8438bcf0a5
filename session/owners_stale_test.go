package session_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Entries of an owner index that lead to no session of the owner's are removed.
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
				w.wantTrips(t, 1, func() { w.publicIDs("ann") })
			})
		}
	}

	for _, tc := range []struct {
		rule string
		held func(w *world, hold func()) *client // a login that is delayed after it has made its entry
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
		w.wantTrips(t, 1, func() { w.publicIDs("ann") })
	})

	bubble("of a renewal that has failed go with it", t, func(t *testing.T) {
		w, c := member(t)
		w.onSave(pass, pass)
		w.onSave(slices.Repeat([]saveHook{dropped}, 4)...)
		c.post(renew)
		w.calm()
		w.wantSessions("ann", c)
		w.wantTrips(t, 2, func() { w.publicIDs("ann") })
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

	t.Run("that are removed already cost no save", func(t *testing.T) {
		w, c := member(t)
		tab := c.tab()
		n := w.store.Saves.Load()
		c.post(func(s *session.Session) { s.Destroy(); tab.post(destroy).wantPage(t) }).wantPage(t)
		if got := w.savesSince(n); len(got) != 3 { // a tombstone, the owner index, a tombstone that conflicts
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

// A reader that has found an entry stale must not remove it if its login has been
// repeated since.
func TestRuleStaleEntryOfARepeatedLogin(t *testing.T) {
	bubble("is not removed", t, func(t *testing.T) {
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
