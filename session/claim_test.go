package session_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A visitor whose session was ended from outside of a request can sign in at the first
// try.
func TestRuleRevokedVisitor(t *testing.T) {
	for name, way := range ways {
		bubble("opens the login page, which sets a CSRF token, and signs in, after "+name, t, func(t *testing.T) {
			w, c := member(t)
			wantErr(t, way(w)(t.Context(), c.sessionID()), nil)
			other := w.manager()

			a := c.get(set("b=7"))
			a.wantPage(t)
			a.wantCookies(t, 1)
			c.wantState("b=7")
			c.m = other
			a = c.post(func(s *session.Session) {
				if token, ok := keyB.Get(s); !ok || token != 7 {
					t.Errorf("the token is %d, %v", token, ok)
				}
				signIn("ann")(s)
			})
			a.wantPage(t)
			w.wantSessions("ann", c)
		})
	}

	bubble("does so when OwnerLimit has ended the session", t, func(t *testing.T) {
		w, c := member(t, limit(1, false))
		phone := w.client()
		phone.post(signIn("ann")).wantPage(t)
		c.get(set("b=7")).wantPage(t)
		c.wantState("b=7")
	})

	for name, end := range map[string]func(*testing.T, *world, string){
		"Manager.Update": func(t *testing.T, w *world, id string) {
			wantErr(t, w.m.Update(t.Context(), id, func(s *session.Session) error { s.Destroy(); return nil }), nil)
		},
		"Update of one of Sessions": func(t *testing.T, w *world, _ string) {
			wantErr(t, w.sessions("ann")[0].Update(t.Context(), func(s *session.Session) error { s.Destroy(); return nil }), nil)
		},
	} {
		bubble("does so when a Destroy outside of any request has ended it: "+name, t, func(t *testing.T) {
			w, c := member(t)
			end(t, w, c.sessionID())
			c.get(set("b=7")).wantPage(t)
			c.wantState("b=7")
		})
	}

	bubble("does so when a Destroy came too late to clear the cookie", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			s.Destroy()
		})
		c.post(set("b=2")).wantPage(t)
		c.wantState("b=2")
	})

	bubble("pays for one more save", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		w.wantTrips(t, 3, func() { c.post(set("b=2")).wantPage(t) })
		w.wantTrips(t, 2, func() { c.post(set("b=3")).wantPage(t) })
	})

	bubble("has read nothing of the old session", t, func(t *testing.T) {
		_, c, _ := revoked(t)
		c.post(func(s *session.Session) {
			if !s.IsNew() || show(s) != "empty" || s.PublicID() != "" {
				t.Errorf("new %v, %q, public ID %q", s.IsNew(), show(s), s.PublicID())
			}
			add(keyA, 1)(s)
		}).wantPage(t)
		c.wantState("a=1")
	})
}

// While a cookie leads to a tombstone, one request at a time may begin a session.
func TestRuleClaim(t *testing.T) {
	second := func(t *testing.T, a *answer) {
		t.Helper()
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		a.wantCookies(t, 0)
	}

	bubble("of parallel requests one begins the session", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		const n = 8
		var answers [n]*answer
		all := barrier(n)
		parallel(n, func(i int) {
			answers[i] = c.tab().get(func(s *session.Session) {
				all()
				keyB.Set(s, i)
			})
		})
		pages := 0
		for _, a := range answers {
			if a.err == nil {
				pages++
				a.wantCookies(t, 1)
				continue
			}
			second(t, a)
		}
		if pages != 1 {
			t.Errorf("%d requests have begun a session", pages)
		}
		left := 0
		for _, sv := range w.savesSince(0) {
			if rec := w.stored(sv.ID); rec != nil && rec.Version == sv.Version {
				left++
			}
		}
		if left != 2 {
			t.Errorf("%d records are left, of the tombstone and a session", left)
		}
	})

	bubble("the next may when the cookie has not come within the window", t, func(t *testing.T) {
		_, c, _ := revoked(t)
		lost := c.tab()
		lost.post(set("b=2")).wantPage(t)
		time.Sleep(strictWindow - time.Millisecond)
		second(t, c.post(set("b=3")))
		time.Sleep(time.Millisecond)
		c.post(set("b=4")).wantPage(t)
		c.wantState("b=4")
	})

	for name, end := range map[string]func(*session.Session){"Renew": login, "Destroy": destroy} {
		bubble("over the tombstone of a request of the browser's own, only after the window: "+name, t, func(t *testing.T) {
			_, c, _ := begun(t)
			old := c.tab()
			c.post(end).wantPage(t)
			time.Sleep(strictWindow - time.Millisecond)
			second(t, old.post(set("b=2")))
			time.Sleep(time.Millisecond)
			late := old.tab()
			a := old.post(set("b=3"))
			a.wantPage(t)
			a.wantCookies(t, 1)
			old.wantState("b=3")
			time.Sleep(strictWindow - time.Millisecond)
			second(t, late.post(set("b=4")))
		})
	}

	bubble("within the window a change of LastWriteWins keys alone is lost without an error", t, func(t *testing.T) {
		flash := session.NewKey[string]("flash").LastWriteWins()
		w, c, _ := begun(t)
		old := c.tab()
		c.post(destroy).wantPage(t)
		signOut := func(s *session.Session) { s.Destroy(); flash.Set(s, "signed out") }
		saves := w.store.Saves.Load()
		a := old.post(signOut)
		a.wantPage(t)
		a.wantCookies(t, 0)
		old.post(func(s *session.Session) {
			flash.Set(s, "hello")
			wantErr(t, s.Save(t.Context()), nil)
			if text, ok := flash.Get(s); ok {
				t.Errorf("after the Save it is %q", text)
			}
		}).wantPage(t)
		second(t, old.post(inOrder(signOut, set("b=2"))))
		second(t, old.post(inOrder(signOut, own("ann"))))
		if n := w.store.Saves.Load() - saves; n != 0 {
			t.Errorf("%d saves", n)
		}
	})

	bubble("a request that loaded the session alive begins none", t, func(t *testing.T) {
		w, c, id := begun(t)
		second(t, c.post(func(s *session.Session) {
			keyB.Set(s, 2)
			wantErr(t, w.m.Revoke(t.Context(), id), nil)
		}))
		c.wantState("empty")
	})

	bubble("sets no cookie over that of a login which was first", t, func(t *testing.T) {
		_, c, _ := revoked(t)
		page := c.tab()
		second(t, page.post(func(s *session.Session) {
			keyB.Set(s, 2)
			c.post(login).wantPage(t)
		}))
		c.wantState("c=1")
	})

	bubble("a login takes over, and ends what the claim began", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		page := c.tab()
		page.post(set("b=2")).wantPage(t)
		begun := page.sessionID()
		c.post(login).wantPage(t)
		c.wantState("c=1")
		page.wantState("empty")
		second(t, page.post(set("b=3")))
		wantErr(t, w.m.Update(t.Context(), begun, func(*session.Session) error { return nil }), session.ErrEnded)
	})

	bubble("a login that is under way takes over, too", t, func(t *testing.T) {
		w, c, id := begun(t)
		page := c.tab()
		c.post(func(s *session.Session) {
			login(s)
			wantErr(t, w.m.Revoke(t.Context(), id), nil)
			page.post(set("b=2")).wantPage(t)
		}).wantPage(t)
		c.wantState("c=1")
		page.wantState("empty")
	})

	bubble("a login clicked twice works: neither ends the other's session", t, func(t *testing.T) {
		_, c, _ := revoked(t)
		first := c.tab()
		c.post(func(s *session.Session) {
			login(s)
			first.post(login).wantPage(t)
		}).wantPage(t)
		c.wantState("c=1")
		first.wantState("c=1")
	})

	bubble("a login leaves a session alone that the claim's has been renewed to", t, func(t *testing.T) {
		_, c, _ := revoked(t)
		late := c.tab()
		c.post(set("b=2")).wantPage(t)
		c.post(signIn("ann")).wantPage(t)
		late.post(signIn("ann")).wantPage(t)
		c.wantState("a=1 b=2")
		late.wantState("a=1")
	})

	bubble("a login leaves a session alone that has an owner", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		late := c.tab()
		c.post(own("ann")).wantPage(t)
		late.post(signIn("bob")).wantPage(t)
		w.wantSessions("ann", c)
	})

	bubble("keeps the successor, which a logout under way has to find", t, func(t *testing.T) {
		_, c, _ := begun(t)
		old := c.tab()
		a := old.post(func(s *session.Session) {
			s.Destroy()
			c.post(login).wantPage(t)
			time.Sleep(strictWindow)
			old.tab().post(set("b=2")).wantPage(t)
		})
		a.wantPage(t)
		c.wantState("empty")
	})

	bubble("whoever has hung up claims nothing", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		ctx, cancel := context.WithCancel(t.Context())
		handler := c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			cancel()
			keyB.Set(s, 2)
		})
		a := c.serve(handler, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		a.wantCookies(t, 0)
		c.post(set("b=3")).wantPage(t)
		c.wantState("b=3")
		if n := w.store.Deletes.Load(); n != 1 {
			t.Errorf("%d deletes; want that of the session that was not begun", n)
		}
	})

	bubble("a tombstone that is over is not needed", t, func(t *testing.T) {
		w, c, id := revoked(t)
		c.post(func(s *session.Session) {
			keyB.Set(s, 2)
			w.erase(id)
		}).wantPage(t)
		c.wantState("b=2")
	})

	bubble("a failed claim leaves no session", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		w.onSave(pass, dropped, dropped, dropped, dropped)
		a := c.post(set("b=2"))
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		a.wantCookies(t, 0)
		c.post(set("b=3")).wantPage(t)
		c.wantState("b=3")
	})

	bubble("a claim that has landed unseen is found out", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		w.onSave(pass, landed)
		c.post(set("b=2")).wantPage(t)
		c.wantState("b=2")
	})

	bubble("a session of an owner who loses leaves no entry in the list", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		second(t, c.tab().post(func(s *session.Session) {
			s.SetOwner("ann")
			c.post(set("b=2")).wantPage(t)
		}))
		w.wantSessions("ann")
		c.wantState("b=2")
	})

	bubble("the advice of the answer works", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.m = w.manager(func(cfg *session.Config) { cfg.ErrorHandler = nil })
		old := c.tab()
		c.post(destroy).wantPage(t)
		a := old.post(set("b=2"))
		if a.Code != http.StatusConflict || !strings.Contains(a.Body.String(), "half a minute") {
			t.Errorf("status %d, %q", a.Code, a.Body)
		}
		time.Sleep(30 * time.Second)
		old.post(set("b=2")).wantPage(t)
	})
}
