package session_test

import (
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// A session whose codec the Manager does not know is neither served nor changed, and
// hinders nobody.
func TestUnknownCodec(t *testing.T) {
	csrf := session.NewKey[string]("csrf")
	// begin returns a client with ann's session, in a codec that w.m does not know.
	begin := func(t *testing.T, opts ...func(*session.Config)) (w *world, c *client, id string) {
		t.Helper()
		w = newWorld(t, opts...)
		before := w.manager(append(opts, func(cfg *session.Config) { cfg.Codec = oneWay{session.JSON()} })...)
		c = w.clientOf(before)
		c.post(func(s *session.Session) { keyA.Set(s, 1); s.SetOwner("ann") }).wantPage(t)
		id = c.sessionID()
		c.m = w.m
		return w, c, id
	}
	// again returns the client at a Manager that knows the codec.
	again := func(w *world, c *client) *client {
		tab := c.tab()
		tab.m = w.manager(func(cfg *session.Config) { cfg.Codec = oneWay{session.JSON()} })
		return tab
	}

	t.Run("the visitor is new, and the record is left as it is", func(t *testing.T) {
		var o watcher
		w, c, id := begin(t, o.option)
		o.events = nil
		before := w.stored(id)
		for _, do := range []func(func(*session.Session)) *answer{c.get, c.post} {
			do(func(s *session.Session) {
				if v, ok := keyA.Get(s); ok || !s.IsNew() || s.Owner() != "" || s.PublicID() != "" || len(s.Keys()) != 0 {
					t.Errorf("got %d, %t, owner %q, public ID %q, keys %q", v, s.IsNew(), s.Owner(), s.PublicID(), s.Keys())
				}
			}).wantPage(t)
		}
		if !reflect.DeepEqual(w.stored(id), before) {
			t.Error("the record has changed")
		}
		if events := o.want(t, "load unreadable", "load unreadable"); events[0].PublicID != id {
			t.Errorf("got %+v", events[0])
		}
		for _, want := range []string{"one-way", "Config.Codec", id} {
			if !strings.Contains(w.log.String(), want) || !w.log.has(slog.LevelError) {
				t.Errorf("logged %q", w.log.String())
			}
		}
		again(w, c).wantState("a=1")
	})

	t.Run("a set begins a session, and leaves the record", func(t *testing.T) {
		w, c, id := begin(t)
		before := w.stored(id)
		old := c.tab()
		c.post(set("b=2")).wantPage(t)
		c.wantState("b=2")
		if !reflect.DeepEqual(w.stored(id), before) {
			t.Error("the record has changed")
		}
		again(w, old).wantState("a=1")
	})

	t.Run("a login works at the first try, and ends it", func(t *testing.T) {
		for name, page := range map[string]func(*session.Session){
			"with a page that stores nothing":  func(*session.Session) {},
			"with a page that stores a token":  func(s *session.Session) { csrf.Set(s, "token") },
			"of a visitor who was there twice": func(s *session.Session) { csrf.Set(s, "token"); _ = s.Save(t.Context()) },
		} {
			t.Run(name, func(t *testing.T) {
				w, c, id := begin(t)
				direct := strings.Contains(name, "nothing")
				old := c.tab()
				c.get(page).wantPage(t)
				c.post(func(s *session.Session) {
					if token, _ := csrf.Get(s); token != "token" && !direct {
						t.Errorf("the token is %q", token)
					}
					s.Renew()
					s.SetOwner("bob")
					keyB.Set(s, 2)
				}).wantPage(t)
				if text := c.state(); !strings.Contains(text, "b=2") || strings.Contains(text, "a=") {
					t.Errorf("the session has %q", text)
				}
				if owner := loaded(c).Owner(); owner != "bob" || c.sessionID() == id {
					t.Errorf("owner %q", owner)
				}
				if direct {
					again(w, old).wantState("empty")
					w.wantSessions("ann")
				}
			})
		}
	})

	t.Run("Destroy ends it, and clears the cookie", func(t *testing.T) {
		w, c, _ := begin(t)
		old := c.tab()
		if a := c.post(destroy); !a.cleared() || a.err != nil {
			t.Errorf("cleared %t, %v", a.cleared(), a.err)
		}
		again(w, old).wantState("empty")
		w.wantSessions("ann")
	})

	t.Run("its owner sees it, and can revoke it", func(t *testing.T) {
		for name, revoke := range map[string]func(w *world, id string) error{
			"Revoke":    func(w *world, id string) error { return w.m.Revoke(t.Context(), id) },
			"RevokeAll": func(w *world, id string) error { return w.m.RevokeAll(t.Context(), "ann") },
		} {
			t.Run(name, func(t *testing.T) {
				w, c, id := begin(t)
				if all, err := w.m.Sessions(t.Context(), "ann"); err != nil || len(all) != 1 || all[0].PublicID() != id {
					t.Fatalf("%d sessions, %v", len(all), err)
				}
				wantErr(t, revoke(w, id), nil)
				w.wantSessions("ann")
				again(w, c).wantState("empty")
			})
		}
	})

	t.Run("Manager.Update changes no value of it", func(t *testing.T) {
		w, c, id := begin(t)
		err := w.m.Update(t.Context(), id, setting("a=2"))
		if !errors.Is(err, session.ErrUnreadable) || session.StatusCode(err) != http.StatusServiceUnavailable {
			t.Errorf("got %v", err)
		}
		again(w, c).wantState("a=1")
	})

	t.Run("a session that can be read wins", func(t *testing.T) {
		w, c, _ := begin(t)
		other := w.client()
		other.post(set("b=2")).wantPage(t)
		a := c.serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if v, ok := keyB.Get(s); v != 2 || !ok {
				t.Errorf("got %d, %t", v, ok)
			}
		}), withCookie(other))
		a.wantPage(t)
	})
}

// withCookie returns a request with the cookie of c.
func withCookie(c *client) *http.Request {
	r := request("POST", "")
	r.AddCookie(&http.Cookie{Name: "session", Value: c.jar["session"]})
	return r
}
