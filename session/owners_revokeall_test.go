package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRevokeAll(t *testing.T) {
	t.Run("ends all of the user's and no other's", func(t *testing.T) {
		w, one := member(t)
		two, bob, guest := w.client(), w.client(), w.client()
		two.post(signIn("ann"))
		bob.post(signIn("bob"))
		guest.post(set("a=7"))
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		one.wantState("empty")
		two.wantState("empty")
		bob.wantState("a=1")
		guest.wantState("a=7")
	})

	t.Run("of a user without any is one trip", func(t *testing.T) {
		w := newWorld(t)
		w.wantTrips(t, 1, func() { wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil) })
	})

	t.Run("leaves a list that takes no trips", func(t *testing.T) {
		w, _ := member(t)
		w.client().post(signIn("ann"))
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
		w.wantTrips(t, 1, func() { w.publicIDs("ann") })
	})

	for name, broken := range map[string]func(w *world){
		"read":  func(w *world) { w.onFetch(append([]fetchHook{nil}, slices.Repeat([]fetchHook{failing}, 4)...)...) },
		"saved": func(w *world) { w.onSave(slices.Repeat([]saveHook{dropped}, 4)...) },
	} {
		t.Run("goes on over what cannot be "+name+", tells it, and can be repeated", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				clients := []*client{w.client(), w.client(), w.client()}
				for _, c := range clients {
					c.post(signIn("ann"))
				}
				broken(w)
				err := w.m.RevokeAll(t.Context(), "ann")
				wantErr(t, err, session.ErrUnavailable)
				w.calm()
				left := 0
				for _, c := range clients {
					if c.state() != "empty" {
						left++
						w.wantSessions("ann", c)
					}
				}
				if left != 1 {
					t.Errorf("%d sessions live", left)
				}
				wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
				w.wantSessions("ann")
			})
		})
	}

	t.Run("tells of a session that it cannot read", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		rec := w.stored(tab.sessionID())
		rec.Data = []byte("cuneiform")
		wantErr(t, w.store.Provider.Save(t.Context(), rec, -1), nil)
		wantErr(t, w.m.RevokeAll(t.Context(), "ann"), session.ErrUnreadable)
		c.wantState("empty")
	})

	t.Run("ends with the context", func(t *testing.T) {
		w, c := member(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantErr(t, w.m.RevokeAll(ctx, "ann"), context.Canceled)
		c.wantState("a=1")
	})

	t.Run("does not stop a commit when its context ends", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.onSave(before(cancel))
		wantErr(t, w.m.RevokeAll(ctx, "ann"), context.Canceled)
		if dead := c.state() == "empty"; dead == (tab.state() == "empty") {
			t.Error("not just one has ended")
		}
	})
}

func TestRuleRevokeOthers(t *testing.T) {
	t.Run("spares the session itself", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		c.post(func(s *session.Session) { wantErr(t, w.m.RevokeOthers(t.Context(), s), nil) }).wantPage(t)
		tab.wantState("empty")
		w.wantSessions("ann", c)
	})

	t.Run("of a session that is about to be renewed", func(t *testing.T) {
		w, c := member(t)
		tab := w.client()
		tab.post(signIn("ann"))
		c.post(func(s *session.Session) {
			s.Renew()
			wantErr(t, w.m.RevokeOthers(t.Context(), s), nil)
		}).wantPage(t)
		tab.wantState("empty")
		w.wantSessions("ann", c)
	})

	t.Run("of a session that was renewed, and is still listed as what it was", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c := member(t)
			w.onSave(pass, pass, pass) // entry, new record, tombstone
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			c.post(renew).wantPage(t)
			w.calm()
			c.post(func(s *session.Session) { wantErr(t, w.m.RevokeOthers(t.Context(), s), nil) }).wantPage(t)
			c.wantState("a=1")
			w.wantSessions("ann", c)
		})
	})

	t.Run("of a login that is not committed yet ends all", func(t *testing.T) {
		w, other := member(t)
		c := w.client()
		c.post(func(s *session.Session) {
			signIn("ann")(s)
			wantErr(t, w.m.RevokeOthers(t.Context(), s), nil)
		}).wantPage(t)
		other.wantState("empty")
		w.wantSessions("ann", c)
	})

	t.Run("spares what a parallel request renews the session to", func(t *testing.T) {
		for renewals := range 3 {
			w, c := member(t)
			c.tab().post(func(s *session.Session) {
				for range renewals {
					c.post(renew).wantPage(t)
				}
				wantErr(t, w.m.RevokeOthers(t.Context(), s), nil)
			})
			if got := c.owner(); got != "ann" {
				t.Errorf("after %d renewals it is %q's", renewals, got)
			}
		}
	})

	t.Run("spares what a parallel request is about to renew the session to", func(t *testing.T) {
		w, c := member(t)
		other := w.client()
		other.post(signIn("ann")).wantPage(t)
		w.onSave(pass, pass, before(func() { // the saves of the index and the new record, before that of the tombstone
			c.tab().post(func(s *session.Session) { wantErr(t, w.m.RevokeOthers(t.Context(), s), nil) }).wantPage(t)
		}))
		c.post(renew).wantPage(t)
		c.wantState("a=1")
		other.wantState("empty")
		w.wantSessions("ann", c)
	})

	t.Run("of a session that is nobody's is an error", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			var err error
			if trips := w.trips(func() { err = w.m.RevokeOthers(t.Context(), s) }); err == nil || trips != 0 {
				t.Errorf("%d trips, error %v", trips, err)
			}
		})
	})
}

// A public ID may be that of a record that holds no session. That record stays as it is.
func TestRuleForeignRecords(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
	c := w.client()
	c.post(signIn("ann")).wantPage(t)
	id := c.sessionID()
	others := map[string]*provider.Record{}
	for _, sv := range w.savesSince(0) {
		if sv.ID != id {
			others[sv.ID] = w.stored(sv.ID)
		}
	}
	if len(others) != 2 {
		t.Fatalf("%d records; want a key ring and an owner index", len(others))
	}
	for other, before := range others {
		_ = w.m.Revoke(t.Context(), other)
		err := w.m.Update(t.Context(), other, func(*session.Session) error { t.Error("Update ran"); return nil })
		if !errors.Is(err, session.ErrEnded) && !errors.Is(err, session.ErrUnreadable) {
			t.Errorf("Update: %v", err)
		}
		if now := w.stored(other); now.Version != before.Version {
			t.Errorf("the record of format %q was changed", before.Format)
		}
	}
	c.wantState("a=1")
}
