package sessiontest_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// newStored returns a Manager that NewManager has not made, and its store.
func newStored(t *testing.T, cfg session.Config) (*session.Manager, *storetest.Store) {
	t.Helper()
	store := &storetest.Store{Provider: memory.New()}
	cfg.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m, store
}

// managers are Managers of both kinds.
func managers(t *testing.T, cfg session.Config, run func(t *testing.T, m *session.Manager)) {
	t.Run("of NewManager", func(t *testing.T) { run(t, sessiontest.NewManager(t, cfg)) })
	t.Run("of session.New", func(t *testing.T) {
		m, _ := newStored(t, cfg)
		run(t, m)
	})
}

func TestCookieOpensItsSession(t *testing.T) {
	managers(t, session.Config{}, func(t *testing.T, m *session.Manager) {
		c := sessiontest.Cookie(t, m, func(s *session.Session) {
			count.Set(s, 7)
			s.SetOwner("ann")
			s.Persist(48 * time.Hour)
		})
		if c.MaxAge != 48*60*60 || !c.HttpOnly {
			t.Errorf("the cookie is %v", c)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(c)
		m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if n, _ := count.Get(s); n != 7 || s.Owner() != "ann" || s.IsNew() {
				t.Errorf("the handler sees count %d, owner %q", n, s.Owner())
			}
		})(httptest.NewRecorder(), r)
		list, err := m.Sessions(t.Context(), "ann")
		if err != nil || len(list) != 1 {
			t.Errorf("the user has %d sessions, error %v", len(list), err)
		}
	})
}

func TestCookieFails(t *testing.T) {
	full := session.Config{OwnerLimit: 1, OwnerLimitRefuses: true}
	for name, tc := range map[string]struct {
		fill func(s *session.Session)
		want string
	}{
		"for an empty session":    {func(*session.Session) {}, "there is no session to store: fill must set a value or an owner"},
		"for a destroyed session": {func(s *session.Session) { count.Set(s, 1); s.Destroy() }, "there is no session to store: fill must set a value or an owner"},
		"with the error of Save":  {func(s *session.Session) { s.SetOwner("ann") }, "the session was not stored: " + session.ErrTooManySessions.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			managers(t, full, func(t *testing.T, m *session.Manager) {
				sessiontest.Cookie(t, m, func(s *session.Session) { s.SetOwner("ann") })
				r := record(t, func(tb *recorder) { sessiontest.Cookie(tb, m, tc.fill) })
				r.wants(t, "sessiontest: Cookie: "+tc.want)
				if !r.ended {
					t.Error("the test goes on")
				}
			})
		})
	}
}

// A failure in fill ends the test, also inside of the request that stores the session.
func TestCookieEndsIfFillFails(t *testing.T) {
	managers(t, session.Config{}, func(t *testing.T, m *session.Manager) {
		r := record(t, func(tb *recorder) {
			sessiontest.Cookie(tb, m, func(s *session.Session) {
				count.Set(s, 1)
				tb.Fatal("fill fails")
			})
		})
		if !r.ended || len(r.errors) != 1 {
			t.Errorf("the errors are %q", r.errors)
		}
	})
}

func TestReadShowsStoredSession(t *testing.T) {
	managers(t, session.Config{}, func(t *testing.T, m *session.Manager) {
		c := sessiontest.Cookie(t, m, func(s *session.Session) { count.Set(s, 7); s.SetOwner("ann") })
		looked := 0
		sessiontest.Read(t, m, c, func(s *session.Session) {
			looked++
			if n, ok := count.Get(s); n != 7 || !ok || s.Owner() != "ann" || s.PublicID() == "" {
				t.Errorf("the count is %d, the owner %q", n, s.Owner())
			}
			if _, ok := user.Get(s); ok {
				t.Error("there is a user")
			}
		})
		if looked != 1 {
			t.Errorf("look was called %d times", looked)
		}
	})
}

func TestReadDoesNotExtendSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, store := newStored(t, session.Config{IdleTimeout: time.Hour})
		c := sessiontest.Cookie(t, m, func(s *session.Session) { count.Set(s, 7); s.SetOwner("ann") })
		saves := store.Saves.Load()
		for range 2 {
			time.Sleep(20 * time.Minute)
			sessiontest.Read(t, m, c, func(s *session.Session) {})
		}
		if got := store.Saves.Load(); got != saves {
			t.Errorf("Read has saved %d times", got-saves)
		}
		time.Sleep(21 * time.Minute)
		if sessiontest.Alive(t, m, c) {
			t.Error("Read has extended the session")
		}
	})
}

func TestReadRefusesChanges(t *testing.T) {
	for name, change := range map[string]func(s *session.Session){
		"Set":     func(s *session.Session) { count.Set(s, 8) },
		"Pop":     func(s *session.Session) { count.Pop(s) },
		"Destroy": func(s *session.Session) { s.Destroy() },
		"Renew":   func(s *session.Session) { s.Renew() },
		"Set and Save": func(s *session.Session) {
			count.Set(s, 8)
			_ = s.Save(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			managers(t, session.Config{}, func(t *testing.T, m *session.Manager) {
				c := sessiontest.Cookie(t, m, func(s *session.Session) { count.Set(s, 7) })
				r := record(t, func(tb *recorder) { sessiontest.Read(tb, m, c, change) })
				r.wants(t, "sessiontest: Read: look has changed the session, which was not saved: "+session.ErrRequestDone.Error())
				sessiontest.Read(t, m, c, func(s *session.Session) {
					if n := must(count.Get(s)); n != 7 {
						t.Errorf("the count is %d", n)
					}
				})
			})
		})
	}
}

// send sends a request with the cookie to a handler of m.
func send(m *session.Manager, c *http.Cookie, handler func(s *session.Session)) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if c != nil {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { handler(s) })(w, r)
	return w.Result()
}

func TestReadAndAliveOfCookieWithoutLiveSession(t *testing.T) {
	for name, tc := range map[string]struct {
		after func(t *testing.T, m *session.Manager, c *http.Cookie) *http.Cookie
		want  string // of Read
	}{
		"nil": {func(*testing.T, *session.Manager, *http.Cookie) *http.Cookie { return nil }, "there is no live session: the cookie is nil"},
		"cleared": {func(t *testing.T, m *session.Manager, c *http.Cookie) *http.Cookie {
			return sessiontest.Response(t, m, send(m, c, (*session.Session).Destroy))
		}, "there is no live session: the cookie has a negative MaxAge"},
		"destroyed": {func(_ *testing.T, m *session.Manager, c *http.Cookie) *http.Cookie {
			send(m, c, (*session.Session).Destroy)
			return c
		}, "there is no live session: that of the cookie was destroyed"},
		"renewed": {func(_ *testing.T, m *session.Manager, c *http.Cookie) *http.Cookie {
			send(m, c, (*session.Session).Renew)
			return c
		}, "there is no live session"},
		"revoked": {func(t *testing.T, m *session.Manager, c *http.Cookie) *http.Cookie {
			if err := m.RevokeAll(t.Context(), "ann"); err != nil {
				t.Error(err)
			}
			return c
		}, "there is no live session"},
		"forged": {func(_ *testing.T, _ *session.Manager, c *http.Cookie) *http.Cookie {
			forged := *c
			forged.Value = strings.ToLower(c.Value)
			return &forged
		}, "there is no live session"},
	} {
		t.Run(name, func(t *testing.T) {
			managers(t, session.Config{}, func(t *testing.T, m *session.Manager) {
				c := sessiontest.Cookie(t, m, func(s *session.Session) { s.SetOwner("ann") })
				if !sessiontest.Alive(t, m, c) {
					t.Error("the session is not alive at first")
				}
				c = tc.after(t, m, c)
				if sessiontest.Alive(t, m, c) {
					t.Error("the session is alive")
				}
				r := record(t, func(tb *recorder) {
					sessiontest.Read(tb, m, c, func(*session.Session) { t.Error("look was called") })
				})
				r.wants(t, "sessiontest: Read: "+tc.want)
				if !r.ended {
					t.Error("the test goes on")
				}
			})
		})
	}
}

func TestReadAndAliveFail(t *testing.T) {
	m, store := newStored(t, session.Config{})
	c := sessiontest.Cookie(t, m, setCount)
	breakStore(store)
	other := *c
	other.Name = "other"
	for name, tc := range map[string]struct {
		cookie *http.Cookie
		want   string
	}{
		"if the store fails":           {c, session.ErrUnavailable.Error()},
		"if the cookie's name differs": {&other, `the cookie has the name "other"; those of the Manager have the name "__Host-session"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, func(tb *recorder) { sessiontest.Alive(tb, m, tc.cookie) })
			r.wants(t, "sessiontest: Alive: "+tc.want)
			r = record(t, func(tb *recorder) { sessiontest.Read(tb, m, tc.cookie, func(*session.Session) {}) })
			r.wants(t, "sessiontest: Read: "+tc.want)
		})
	}
}

var errBroken = errors.New("the store is down")

// breakStore lets each Fetch fail.
func breakStore(store *storetest.Store) {
	store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
}

func TestHeaderOnly(t *testing.T) {
	visits := session.NewKey[int]("visits")
	for _, header := range []string{"Authorization", "X-Session-Token", "Session-Token"} {
		t.Run(header, func(t *testing.T) {
			m := sessiontest.NewManager(t, session.Config{Header: header, HeaderOnly: true})
			c := sessiontest.Cookie(t, m, func(s *session.Session) { visits.Set(s, 3) })
			sessiontest.Read(t, m, c, func(s *session.Session) {
				if n, _ := visits.Get(s); n != 3 {
					t.Errorf("visits is %d", n)
				}
			})
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set(header, c.Value)
			if header == "Authorization" {
				r.Header.Set(header, "Bearer "+c.Value)
			}
			send := func(fn func(*session.Session)) *http.Cookie {
				w := httptest.NewRecorder()
				m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) }).ServeHTTP(w, r)
				return sessiontest.Response(t, m, w.Result())
			}
			if kept := send(func(s *session.Session) { visits.Set(s, 4) }); kept != nil {
				t.Errorf("a change gives %v", kept)
			}
			if cleared := send((*session.Session).Destroy); cleared == nil || cleared.MaxAge >= 0 {
				t.Errorf("a logout gives %v", cleared)
			}
			if sessiontest.Alive(t, m, c) {
				t.Error("the session is alive after the logout")
			}
		})
	}
}
