package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// The sessions of an owner are read eight at a time.
func TestRuleLookups(t *testing.T) {
	bubble("are eight at a time", t, func(t *testing.T) {
		w := newWorld(t)
		for range 20 {
			w.client().post(own("ann")).wantPage(t)
		}
		var running, most atomic.Int64
		w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer running.Add(-1)
			time.Sleep(time.Second)
			return next(ctx, id)
		}
		begin := time.Now()
		if n := len(w.publicIDs("ann")); n != 20 {
			t.Errorf("%d sessions", n)
		}
		if took := time.Since(begin); took != 4*time.Second { // one trip for the index
			t.Errorf("they took %v", took)
		}
		if n := most.Load(); n != 8 {
			t.Errorf("%d at a time", n)
		}
	})

	bubble("end with the first that fails", t, func(t *testing.T) {
		w := newWorld(t)
		for range 50 {
			w.client().post(own("ann")).wantPage(t)
		}
		w.onFetch(nil)
		w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...)
		n := w.trips(func() {
			_, err := w.m.Sessions(t.Context(), "ann")
			wantErr(t, err, session.ErrUnavailable)
		})
		if n > 1+8*4 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("panic in the goroutine that asked", func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			w.client().post(own("ann")).wantPage(t)
		}
		w.onFetch(nil, func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { panic("provider") })
		defer func() {
			if p := recover(); p != "provider" {
				t.Errorf("the panic is %v", p)
			}
		}()
		_, _ = w.m.Sessions(t.Context(), "ann")
	})
}

// The list of an owner's sessions is one record, which does not grow without limit.
func TestRuleFullOwnerIndex(t *testing.T) {
	full := func(w *world, c *client) {
		w.t.Helper()
		a := c.post(signIn("user 7"))
		a.wantError(w.t, http.StatusConflict, session.ErrTooManySessions)
		a.wantCookies(w.t, 0)
		if !strings.Contains(a.err.Error(), "the list of them is full") || !strings.Contains(a.err.Error(), "RevokeAll") {
			w.t.Errorf("the error does not say what to do: %v", a.err)
		}
		if log := w.log.String(); !w.log.has(slog.LevelError) || !strings.Contains(log, "list of an owner's sessions is full") || strings.Contains(log, "user 7") {
			w.t.Errorf("logged is %q", log)
		}
	}

	pending := func(int) time.Duration { return 0 }
	stale := func(int) time.Duration { return 2 * time.Hour }

	t.Run("of entries that may come is told", func(t *testing.T) {
		w := newWorld(t)
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 4096, pending), nil)
		full(w, w.client())
		w.client().post(signIn("bob")).wantPage(t)
	})

	t.Run("has room for one more up to it", func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 4095, pending), nil)
		w.client().post(signIn("user 7")).wantPage(t)
		full(w, w.client())
	})

	t.Run("of entries that are stale is pruned", func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 5000, stale), nil)
		c := w.client()
		c.post(signIn("user 7")).wantPage(t)
		w.wantSessions("user 7", c)
		w.wantTrips(t, 2, func() { w.publicIDs("user 7") })
	})

	for name, ago := range map[string]func(int) time.Duration{
		"pending": pending,
		"stale, but for those that a login looks at anyway": func(i int) time.Duration {
			if i >= 16 && i < 48 {
				return 0
			}
			return 2 * time.Hour
		},
	} {
		t.Run("to a store that takes fewer, of entries that are "+name, func(t *testing.T) {
			w := newWorld(t, limit(-1, false))
			inner := w.store.OnSave
			w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				if len(rec.Data) > 10<<10 {
					return provider.ErrTooLarge
				}
				return inner(ctx, rec, expect, next)
			}
			for n := 250; session.FillOwnerIndex(w.m, "user 7", n, ago) != nil; n-- {
			}
			c := w.client()
			if name == "pending" {
				full(w, c)
				return
			}
			c.post(signIn("user 7")).wantPage(t)
			w.wantSessions("user 7", c)
		})
	}

	bubble("half stale is pruned in proportion", t, func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 320, stale), nil)
		c := w.client()
		w.wantTrips(t, 3+16, func() { c.post(signIn("user 7")).wantPage(t) })
		for range 30 {
			w.client().post(signIn("user 7")).wantPage(t)
		}
		// The login looks at entries chosen at random. If it looked at half as many, 72
		// stale ones would be left.
		if n := w.trips(func() { w.publicIDs("user 7") }); n > 1+31+64 {
			t.Errorf("the list has %d entries", n-1)
		}
	})
}

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

// A store that evicts records loses the list of an owner's sessions before the sessions,
// which are used more often.
func TestRuleLostOwnerIndex(t *testing.T) {
	for name, use := range map[string]func(*session.Session){
		"touched": read(keyA),
		"saved":   add(keyB, 1),
	} {
		bubble("a session that is "+name+" is listed again", t, func(t *testing.T) {
			w, c := member(t)
			w.erase(w.index())
			time.Sleep(6 * time.Minute)
			w.wantTrips(t, 2+2, func() { c.post(use).wantPage(t) }) // two for the session, a read and a write of the index
			w.wantSessions("ann", c)
			wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
			c.wantState("empty")
		})

		bubble("a session that is "+name+" and is listed costs a trip in each TouchInterval", t, func(t *testing.T) {
			_, c := member(t)
			w := c.w
			time.Sleep(6 * time.Minute)
			w.wantTrips(t, 3, func() { c.post(use).wantPage(t) })
			time.Sleep(time.Minute)
			want := map[string]int64{"touched": 1, "saved": 2}[name]
			w.wantTrips(t, want, func() { c.post(use).wantPage(t) })
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
		w.wantTrips(t, 2, func() { c.post(read(keyA)).wantPage(t) })
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
