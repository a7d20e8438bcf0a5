package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleLoad(t *testing.T) {
	t.Run("reads storage once per request, however often it is called", func(t *testing.T) {
		w, c, _ := begun(t)
		w.wantTrips(t, 1, func() {
			c.handle("GET", func(_ http.ResponseWriter, r *http.Request) {
				all := make([]*session.Session, 10)
				parallel(len(all), func(i int) { all[i], _ = session.Load(r.Context()) })
				for _, s := range all {
					if s == nil || s != load(t, r) {
						t.Error("Load gives different Sessions")
					}
				}
			})
		})
	})

	t.Run("without a cookie is a new empty session, no I/O", func(t *testing.T) {
		w := newWorld(t)
		w.client().handle("GET", func(_ http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			if !s.IsNew() || s.PublicID() != "" || len(s.Keys()) != 0 || !s.ExpiresAt().IsZero() {
				t.Errorf("new %v, public ID %q, keys %v, expires %v", s.IsNew(), s.PublicID(), s.Keys(), s.ExpiresAt())
			}
		})
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("outside Handler is an error that names the fix", func(t *testing.T) {
		w := newWorld(t)
		for name, load := range map[string]func() (*session.Session, error){
			"Load":         func() (*session.Session, error) { return session.Load(t.Context()) },
			"Manager.Load": func() (*session.Session, error) { return w.m.Load(t.Context()) },
		} {
			s, err := load()
			wantErr(t, err, session.ErrNoHandler)
			if s != nil || err == nil || !strings.Contains(err.Error(), "Handler") {
				t.Errorf("%s: %v, %v", name, s, err)
			}
		}
	})

	t.Run("of nested Managers gives the innermost, Manager.Load its own", func(t *testing.T) {
		w := newWorld(t)
		inner := w.manager(func(cfg *session.Config) { cfg.Cookie.Name = "inner"; cfg.Namespace = "inner" })
		stranger := w.manager(func(cfg *session.Config) { cfg.Cookie.Name = "stranger" })
		c := w.client()
		for range 2 {
			c.serve(w.m.Handler(inner.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := inner.Load(r.Context())
				o, err2 := w.m.Load(r.Context())
				if err != nil || err2 != nil || s == o || s != load(t, r) {
					t.Errorf("inner %p, outer %p, Load %p; %v, %v", s, o, load(t, r), err, err2)
					return
				}
				if _, err := stranger.Load(r.Context()); err == nil {
					t.Error("a Manager that is not there loads a session")
				}
				keyA.Update(s, increment)
				keyB.Update(o, increment)
			}))), request("POST", "")).wantPage(t)
		}
		c.wantState("b=2")
		in := c.tab()
		in.m = inner
		in.wantState("a=2")
	})

	t.Run("that fails goes to ErrorHandler, and the handler does not run", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onFetch(failing, failing, failing)
		a := c.post(func(*session.Session) { t.Error("it ran") })
		w.calm()
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		a.wantCookies(t, 0)
	})

	t.Run("that fails overwrites nothing", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onFetch(failing, failing, failing)
		a := c.handle("POST", func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.Load(r.Context())
			wantErr(t, err, session.ErrUnavailable)
			if s != nil {
				t.Error("a Session came with the error")
			}
		})
		w.calm()
		a.wantCookies(t, 0)
		c.wantState("a=1")
	})

	t.Run("of an unreadable record is ErrUnreadable, and overwrites nothing", func(t *testing.T) {
		for name, spoil := range map[string]struct {
			format string
			data   []byte
		}{
			"cut":            {"cbor", nil},
			"other bytes":    {"cbor", []byte("other bytes")},
			"unknown format": {"xml", []byte("<a/>")},
		} {
			t.Run(name, func(t *testing.T) {
				w, c, id := begun(t)
				rec := w.stored(id)
				if rec.Format = spoil.format; spoil.data == nil {
					rec.Data = rec.Data[:len(rec.Data)-1]
				} else {
					rec.Data = spoil.data
				}
				if err := w.store.Provider.Save(t.Context(), rec, -1); err != nil {
					t.Fatal(err)
				}
				a := c.post(set("a=2"))
				a.wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
				a.wantCookies(t, 0)
				if got := w.stored(id); got == nil || got.Version != rec.Version || string(got.Data) != string(rec.Data) {
					t.Error("the record was overwritten")
				}
			})
		}
	})

	t.Run("ClearCookie clears the cookie so that the user can start anew", func(t *testing.T) {
		w, c, _ := begun(t)
		a := c.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.m.ClearCookie(rw, r) }), request("GET", ""))
		if !a.cleared() || len(c.jar) != 0 {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})

	t.Run("an unknown ID is never adopted, its cookie not cleared unasked", func(t *testing.T) {
		w, c, id := begun(t)
		w.erase(id)
		c.post(read(keyA)).wantCookies(t, 0)
		a := c.post(func(s *session.Session) {
			if !s.IsNew() {
				t.Error("the session is not new")
			}
			keyA.Set(s, 2)
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=2")
		if w.stored(id) != nil || c.sessionID() == id {
			t.Error("the ID was adopted")
		}
	})

	t.Run("Vary: Cookie when the session is loaded", func(t *testing.T) {
		_, c, _ := begun(t)
		if got := c.post(func(*session.Session) {}).Result().Header.Values("Vary"); len(got) != 1 || got[0] != "Cookie" {
			t.Errorf("Vary is %q", got)
		}
	})

	t.Run("HandlerFunc works alone and inside", func(t *testing.T) {
		w := newWorld(t)
		h := w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Update(s, increment) })
		c := w.client()
		c.serve(h, httptest.NewRequest("POST", "/", nil)).wantCookies(t, 1)
		c.serve(w.m.Handler(h), httptest.NewRequest("POST", "/", nil)).wantCookies(t, 0)
		c.wantState("a=2")
	})

	t.Run("Handler inside its own Manager's Handler is one", func(t *testing.T) {
		w, c, _ := begun(t)
		var outer *session.Session
		w.wantTrips(t, 2, func() {
			c.serve(w.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				outer = load(t, r)
				w.m.Handler(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
					if s != outer {
						t.Error("there are two Sessions")
					}
					keyA.Set(s, 2)
				})).ServeHTTP(rw, r)
			})), request("POST", ""))
		})
	})

	t.Run("IsNew is true for the whole request that began the session, PublicID is there once it is stored", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			keyA.Set(s, 1)
			if s.PublicID() != "" || !s.ExpiresAt().IsZero() {
				t.Errorf("before: public ID %q, expires %v", s.PublicID(), s.ExpiresAt())
			}
			wantErr(t, s.Save(t.Context()), nil)
			if !s.IsNew() || w.stored(s.PublicID()) == nil || s.ExpiresAt().IsZero() {
				t.Errorf("after: new %v, public ID %q, expires %v", s.IsNew(), s.PublicID(), s.ExpiresAt())
			}
		})
		c.post(func(s *session.Session) {
			if s.IsNew() {
				t.Error("the next request finds it new")
			}
		})
	})
}

// A load that failed stays failed: the two halves of a page must not see different
// sessions.
func TestRuleLoadErrorStays(t *testing.T) {
	w, c, _ := begun(t)
	w.onFetch(failing)
	w.wantTrips(t, 1, func() {
		c.handle(http.MethodGet, func(_ http.ResponseWriter, r *http.Request) {
			for range 2 {
				_, err := session.Load(r.Context())
				wantErr(t, err, session.ErrUnavailable)
			}
		})
	})
}

// A goroutine may load the session after its request is over.
func TestASessionLoadedTooLateTakesNoChanges(t *testing.T) {
	w, c, id := begun(t)
	var ctx context.Context
	c.handle(http.MethodGet, func(_ http.ResponseWriter, r *http.Request) { ctx = context.WithoutCancel(r.Context()) }).wantPage(t)
	s, err := w.m.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before := w.stored(id).Version
	keyA.Set(s, 2)
	wantErr(t, s.Save(ctx), session.ErrRequestDone)
	if got, _ := keyA.Get(s); got != 1 || w.stored(id).Version != before {
		t.Errorf("the change was taken: %d", got)
	}
	if !strings.Contains(w.log.String(), "its request is over") {
		t.Error("nothing is logged")
	}
}

// slow is a store whose calls take a while, or all of their time.
type slow struct{ provider.Provider }

func (s slow) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	select {
	case <-time.After(10 * time.Millisecond):
		return s.Provider.Fetch(ctx, id)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestRuleUnreadable(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		spoil func(rec *provider.Record)
	}{
		{"a version that no commit makes", func(rec *provider.Record) { rec.Version = 5 }},
		{"a version that none can follow", func(rec *provider.Record) { rec.Version = 1<<63 - 1 }},
		{"a kind of no record, with nothing after it", func(rec *provider.Record) {
			rec.Data = slices.Clone(rec.Data[:len(rec.Data)-1]) // without the number of entries
			rec.Data[1] = 2
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(renew).wantPage(t) // an empty session
			id := w.savesSince(0)[0].ID
			rec := w.stored(id)
			tc.spoil(rec)
			wantErr(t, w.store.Provider.Save(t.Context(), rec, -1), nil)
			c.post(set("a=1")).wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
			if got := w.stored(id); got.Version != rec.Version {
				t.Error("it was overwritten")
			}
		})
	}
}

func TestProviderThatReturnsNonsenseOpensNoSession(t *testing.T) {
	for name, fetch := range map[string]fetchHook{
		"neither a record nor an error": func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, nil },
		"another's record": func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			rec, err := next(ctx, id)
			if err == nil {
				rec.ID = "another"
			}
			return rec, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onFetch(fetch)
			c.post(func(*session.Session) { t.Error("the handler ran") }).wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
			c.wantState("a=1")
		})
	}
}

// A store's client library that mixes up the replies of a connection returns one
// visitor's record for the ID of another.
func TestTheReplyToAnotherRequestOpensNoSession(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.client(), w.client()
	alice.post(set("a=1")).wantPage(t)
	bob.post(set("a=2")).wantPage(t)
	mixedUp := w.stored(alice.sessionID())

	mix := func(_ context.Context, id string, _ storetest.FetchFunc) (*provider.Record, error) {
		rec := *mixedUp
		rec.ID = id // records are found by their IDs, and do not contain them
		return &rec, nil
	}
	w.onFetch(mix)
	a := bob.post(func(s *session.Session) { t.Errorf("bob's session has %q", show(s)) })
	a.wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
	a.wantCookies(t, 0)
	bob.wantState("a=2")

	conflict := func(_ context.Context, rec *provider.Record, _ int64, _ storetest.SaveFunc) error {
		other := *mixedUp
		other.ID = rec.ID
		return &provider.ConflictError{Current: &other}
	}
	w.onSave(conflict)
	bob.post(set("b=2")).wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
	bob.wantState("a=2")

	rec := *mixedUp
	rec.ID = bob.sessionID()
	if info, err := session.Inspect(&rec); err == nil {
		t.Errorf("Inspect reads %+v", info)
	}
}
