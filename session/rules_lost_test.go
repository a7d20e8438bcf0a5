package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// index returns the ID of the one owner index that was written.
func (w *world) index() string {
	w.t.Helper()
	var found []string
	for _, sv := range w.savesSince(0) {
		if sv.Format == "holdfast-owner-index" && !slices.Contains(found, sv.ID) {
			found = append(found, sv.ID)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d owner indexes", len(found))
	}
	return found[0]
}

// A store that evicts loses the list of an owner's sessions before the sessions, which
// are used more often.
func TestRuleLostOwnerIndex(t *testing.T) {
	for name, use := range map[string]func(*session.Session){
		"touched": read(keyA),
		"saved":   add(keyB, 1),
	} {
		bubble("a session that is "+name+" is listed again", t, func(t *testing.T) {
			w, c := member(t)
			w.erase(w.index())
			time.Sleep(6 * time.Minute)
			if n := w.trips(func() { c.post(use).wantPage(t) }); n != 4 {
				t.Errorf("%d trips; want 2, and a read and a write of the list", n)
			}
			w.wantSessions("ann", c)
			wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
			c.wantState("empty")
		})

		bubble("a session that is "+name+" and is listed costs a trip in each TouchInterval", t, func(t *testing.T) {
			_, c := member(t)
			w := c.w
			time.Sleep(6 * time.Minute)
			if n := w.trips(func() { c.post(use).wantPage(t) }); n != 3 {
				t.Errorf("%d trips", n)
			}
			time.Sleep(time.Minute)
			want := map[string]int64{"touched": 1, "saved": 2}[name]
			if n := w.trips(func() { c.post(use).wantPage(t) }); n != want {
				t.Errorf("%d trips a minute later; want %d", n, want)
			}
		})
	}

	bubble("a session that is saved more often than it would be touched is listed again", t, func(t *testing.T) {
		w, c := member(t)
		w.erase(w.index())
		for range 7 {
			time.Sleep(time.Minute)
			c.post(add(keyB, 1)).wantPage(t)
		}
		w.wantSessions("ann", c)
	})

	bubble("a session that is nobody's costs nothing more", t, func(t *testing.T) {
		w, c, _ := begun(t)
		time.Sleep(6 * time.Minute)
		if n := w.trips(func() { c.post(read(keyA)).wantPage(t) }); n != 2 {
			t.Errorf("%d trips", n)
		}
	})

	bubble("what cannot be listed again is told in the log, and keeps the page", t, func(t *testing.T) {
		w, c := member(t)
		w.erase(w.index())
		time.Sleep(6 * time.Minute)
		w.onSave(pass)
		w.onSave(slices.Repeat([]saveHook{refused(provider.ErrFull)}, 100)...)
		c.post(read(keyA)).wantPage(t)
		if !w.log.has(slog.LevelWarn) {
			t.Error("nothing is logged")
		}
	})

	t.Run("RevokeOthers tells of it, and lists the session", func(t *testing.T) {
		w, c := member(t)
		other := w.client()
		other.post(signIn("ann")).wantPage(t)
		w.erase(w.index())
		var errs []error
		c.post(func(s *session.Session) {
			for range 2 {
				errs = append(errs, w.m.RevokeOthers(t.Context(), s))
			}
		}).wantPage(t)
		wantErr(t, errs[0], session.ErrNotListed)
		wantErr(t, errs[1], nil)
		w.wantSessions("ann", c)
	})

	t.Run("RevokeAll tells of it in a request of the user's, and ends its session", func(t *testing.T) {
		w, c := member(t)
		w.erase(w.index())
		var err error
		c.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) {
			load(t, r)
			err = w.m.RevokeAll(r.Context(), "ann")
		})
		wantErr(t, err, session.ErrNotListed)
		c.wantState("empty")
	})

	t.Run("ends those that are listed all the same", func(t *testing.T) {
		w, c := member(t)
		w.erase(w.index())
		listed := w.client()
		listed.post(signIn("ann")).wantPage(t)
		c.post(func(s *session.Session) {
			wantErr(t, w.m.RevokeOthers(t.Context(), s), session.ErrNotListed)
		}).wantPage(t)
		listed.wantState("empty")
		w.wantSessions("ann", c)
	})

	for name, in := range map[string]func(w *world, c *client) error{
		"of another user's request": func(w *world, c *client) (err error) {
			bob := w.client()
			bob.post(signIn("bob"))
			bob.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) {
				load(t, r)
				err = w.m.RevokeAll(r.Context(), "eve")
			})
			return err
		},
		"of a request whose session is listed": func(w *world, c *client) (err error) {
			c.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) {
				load(t, r)
				err = w.m.RevokeAll(r.Context(), "ann")
			})
			return err
		},
		"of a request whose session was revoked": func(w *world, c *client) (err error) {
			c.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) {
				s := load(t, r)
				err = errors.Join(w.m.Revoke(context.Background(), s.PublicID()), w.m.RevokeAll(r.Context(), "ann"))
			})
			return err
		},
	} {
		t.Run("is not told "+name, func(t *testing.T) {
			w, c := member(t)
			wantErr(t, in(w, c), nil)
		})
	}
}
