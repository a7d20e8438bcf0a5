package session_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Manager.Update changes a session outside of any request.
func TestRuleOutside(t *testing.T) {
	ctx := t.Context()

	t.Run("changes the session by its public ID", func(t *testing.T) {
		w, c, id := begun(t)
		w.wantTrips(t, 2, func() {
			wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error {
				if show(s) != "a=1" || s.PublicID() != id || s.IsNew() || s.ExpiresAt().IsZero() {
					t.Errorf("it has %q, public ID %q, new %v, expires %v", show(s), s.PublicID(), s.IsNew(), s.ExpiresAt())
				}
				keyB.Set(s, 2)
				return nil
			}), nil)
		})
		c.wantState("a=1 b=2")
	})

	bubble("is a use of the session", t, func(t *testing.T) {
		w, c, id := begun(t)
		time.Sleep(50 * time.Minute)
		wantErr(t, w.m.Update(t.Context(), id, setting("b=2")), nil)
		if got := c.expiry(id); got != time.Hour {
			t.Errorf("it ends in %v", got)
		}
	})

	t.Run("saves nothing when fn fails", func(t *testing.T) {
		w, c, id := begun(t)
		wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error { keyA.Set(s, 9); return errBroken }), errBroken)
		c.wantState("a=1")
	})

	t.Run("runs again when a request is first", func(t *testing.T) {
		w, c, id := begun(t)
		runs := 0
		wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error {
			if runs++; runs == 1 {
				c.post(set("a=10"))
			}
			n, _ := keyA.Get(s)
			keyA.Set(s, n+1)
			return nil
		}), nil)
		if runs != 2 {
			t.Errorf("%d runs", runs)
		}
		c.wantState("a=11")
	})

	t.Run("beside requests loses nothing", func(t *testing.T) {
		w, c, id := begun(t)
		all := barrier(20)
		parallel(20, func(i int) {
			all()
			if i%2 == 0 {
				c.tab().post(add(keyA, 1)).wantPage(t)
				return
			}
			wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error { keyA.Update(s, increment); return nil }), nil)
		})
		c.wantState("a=21")
	})

	t.Run("of no session is ErrEnded", func(t *testing.T) {
		w, c, id := begun(t)
		c.post(destroy)
		publicIDs := []string{id, "", "x", "\x00", "\xff", strings.Repeat("x", 300)}
		w2, c2, renewed := begun(t)
		c2.post(renew)
		for _, w := range []*world{w, w2} {
			for _, publicID := range append(publicIDs, renewed) {
				err := w.m.Update(ctx, publicID, func(*session.Session) error { t.Error("fn ran"); return nil })
				wantErr(t, err, session.ErrEnded)
			}
		}
	})

	t.Run("is ErrEnded if the session ends meanwhile", func(t *testing.T) {
		for _, end := range []func(*session.Session){destroy, renew} {
			w, c, id := begun(t)
			runs := 0
			wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error {
				if runs++; runs == 1 {
					c.post(end)
				}
				keyB.Set(s, 2)
				return nil
			}), session.ErrEnded)
		}
	})

	for name, fn := range map[string]func(*session.Session){
		"Renew":               renew,
		"Persist":             func(s *session.Session) { s.Persist(time.Hour) },
		"a set after Destroy": inOrder(destroy, set("b=1")),
	} {
		t.Run(name+" needs a cookie", func(t *testing.T) {
			w, _, id := begun(t)
			wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error { fn(s); return nil }), session.ErrHeaderSent)
		})
	}

	t.Run("Renew changes nothing", func(t *testing.T) {
		w, c := member(t)
		n := w.store.Saves.Load()
		_ = w.m.Update(ctx, c.sessionID(), func(s *session.Session) error { s.Renew(); return nil })
		if got := w.savesSince(n); len(got) != 0 {
			t.Errorf("%d saves", len(got))
		}
		c.wantState("a=1")
	})

	t.Run("Destroy ends it", func(t *testing.T) {
		w, c := member(t)
		wantErr(t, w.m.Update(ctx, c.sessionID(), func(s *session.Session) error { s.Destroy(); return nil }), nil)
		c.wantState("empty")
		w.wantSessions("ann")
	})

	t.Run("SetOwner lists it", func(t *testing.T) {
		w, c, id := begun(t)
		wantErr(t, w.m.Update(ctx, id, func(s *session.Session) error { s.SetOwner("ann"); return nil }), nil)
		w.wantSessions("ann", c)
	})

	t.Run("fails with the store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _, id := begun(t)
			w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...)
			wantErr(t, w.m.Update(t.Context(), id, setting("a=2")), session.ErrUnavailable)
		})
	})

	t.Run("keeps the codec of the session", func(t *testing.T) {
		w, c, id := begun(t)
		format := w.stored(id).Format
		other := w.manager(func(cfg *session.Config) { cfg.Codec = session.JSON() })
		wantErr(t, other.Update(ctx, id, setting("b=2")), nil)
		if w.stored(id).Format != format {
			t.Error("it is another")
		}
		c.wantState("a=1 b=2")
	})
}
