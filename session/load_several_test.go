package session_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// beside runs fn as the handler of a POST that sends the client's cookies after those of
// others.
func (c *client) beside(fn func(*session.Session), others ...*client) *answer {
	r := httptest.NewRequest(http.MethodPost, "http://app.example.org/", nil)
	for _, o := range others {
		for name, value := range o.jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	return c.serve(c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fn(s)
		io.WriteString(w, "page")
	}), r)
}

func TestRuleSeveralCookiesCost(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		n     int
		fn    func(*session.Session)
		trips int64
	}{
		{"one", 1, read(keyA), 1},
		{"two", 2, read(keyA), 2},
		{"as many as are looked at", 8, read(keyA), 8},
		{"more", 9, read(keyA), 0},
		{"a new session ends the others, by a save each", 2, set("a=2"), 2 + 2 + 1},
		{"a logout ends them, by a save each", 8, destroy, 8 + 8},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, all := several(t, tc.n)
			var a *answer
			w.wantTrips(t, tc.trips, func() { a = all[0].beside(tc.fn, all[1:]...) })
			a.wantPage(t)
		})
	}
	t.Run("one live, destroyed", func(t *testing.T) {
		w, all := several(t, 3)
		all[1].tab().post(destroy)
		w.erase(all[2].sessionID())
		w.wantTrips(t, 3+1, func() { all[0].beside(destroy, all[1:]...).wantPage(t) })
		all[0].wantState("empty")
	})
}

func TestRuleSeveralLiveSessions(t *testing.T) {
	t.Run("none of them is read", func(t *testing.T) {
		_, all := several(t, 2)
		all[0].beside(func(s *session.Session) {
			if !s.IsNew() || s.PublicID() != "" || show(s) != "empty" {
				t.Errorf("new %v, public ID %q, %s", s.IsNew(), s.PublicID(), show(s))
			}
		}, all[1]).wantCookies(t, 0)
		all[0].wantState("a=1")
		all[1].wantState("a=1")
	})

	t.Run("end for good: a request under way in one brings it not back", func(t *testing.T) {
		_, all := several(t, 2)
		all[1].tab().post(func(s *session.Session) {
			all[0].beside(set("a=2"), all[1]).wantPage(t)
			keyB.Set(s, 1)
			wantErr(t, s.Save(t.Context()), session.ErrEnded)
		})
		all[0].wantState("a=2")
		all[1].wantState("empty")
	})

	t.Run("end with what they were renewed to meanwhile", func(t *testing.T) {
		for name, fn := range map[string]func(*session.Session){"login": inOrder(renew, set("a=2")), "logout": destroy} {
			_, all := several(t, 2)
			renewed := all[1].tab()
			all[0].beside(func(s *session.Session) {
				renewed.post(inOrder(renew, set("b=1"))).wantPage(t)
				fn(s)
			}, all[1]).wantPage(t)
			if got := renewed.state(); got != "empty" {
				t.Errorf("%s: what it was renewed to has %s", name, got)
			}
		}
	})

	t.Run("end at every level", func(t *testing.T) {
		for _, l := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
			for name, fn := range map[string]func(*session.Session){"login": set("a=2"), "logout": destroy} {
				_, all := several(t, 2, level(l))
				all[0].beside(func(s *session.Session) {
					all[1].tab().post(set("a=3")).wantPage(t) // no conflict: the login or logout has not read it
					fn(s)
				}, all[1]).wantPage(t)
				if got := all[1].state(); got != "empty" {
					t.Errorf("level %d, %s: it has %s", l, name, got)
				}
			}
		}
	})

	t.Run("leave their owner's list", func(t *testing.T) {
		for name, fn := range map[string]func(*session.Session){"login": signIn("bob"), "logout": destroy} {
			w, all := several(t, 2)
			all[0].post(own("bob")).wantPage(t)
			all[1].post(own("bob")).wantPage(t)
			all[0].beside(fn, all[1]).wantPage(t)
			want := map[string]int{"login": 1, "logout": 0}[name]
			if got := w.trips(func() { w.sessions("bob") }); got != int64(1+want) {
				t.Errorf("%s: %d trips to list %d sessions", name, got, want)
			}
		}
	})

	t.Run("take no place from the login that ends them", func(t *testing.T) {
		w, all := several(t, 2, limit(2, true))
		all[0].post(own("bob")).wantPage(t)
		all[1].post(own("bob")).wantPage(t)
		all[0].beside(signIn("bob"), all[1]).wantPage(t)
		w.wantSessions("bob", all[0])
	})

	t.Run("stay where the new one cannot be saved", func(t *testing.T) {
		_, all := several(t, 2)
		huge := session.NewKey[string]("huge")
		all[0].beside(func(s *session.Session) { huge.Set(s, strings.Repeat("x", 65<<10)) }, all[1]).wantError(t, 500, session.ErrTooLarge)
		all[0].serve(all[0].m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			io.WriteString(w, "page")
			keyA.Set(s, 2) // too late for its cookie
			wantErr(t, s.Save(t.Context()), session.ErrHeaderSent)
		}), requestBeside(all[1]))
		all[0].wantState("a=1")
		all[1].wantState("a=1")
	})

	t.Run("end by a Save as well, and once", func(t *testing.T) {
		w, all := several(t, 2)
		all[0].beside(func(s *session.Session) {
			for _, trips := range []int64{3, 1} {
				keyA.Update(s, increment)
				w.wantTrips(t, trips, func() { wantErr(t, s.Save(t.Context()), nil) })
			}
		}, all[1]).wantPage(t)
		all[0].wantState("a=2")
		all[1].wantState("empty")
	})

	t.Run("that a Save has ended are not ended again by Destroy", func(t *testing.T) {
		w, all := several(t, 2)
		all[0].beside(func(s *session.Session) {
			keyA.Set(s, 2)
			wantErr(t, s.Save(t.Context()), nil)
			s.Destroy()
			w.wantTrips(t, 1, func() { wantErr(t, s.Save(t.Context()), nil) })
		}, all[1]).wantPage(t)
	})

	t.Run("one that cannot be ended is an error, and the next try ends it", func(t *testing.T) {
		for name, fn := range map[string]func(*session.Session){"login": inOrder(renew, set("a=2")), "logout": destroy} {
			w, all := several(t, 2)
			w.onSave(pass, refused(errBroken))
			a := all[0].beside(func(s *session.Session) {
				w.onFetch(failing, failing, failing, failing, failing) // to read back whether the tombstone was saved
				fn(s)
			}, all[1])
			w.calm()
			a.wantError(t, 503, session.ErrUnavailable)
			a.wantCookies(t, 0)
			one := all[0].tab()
			all[0].beside(fn, all[1]).wantPage(t)
			if one.state() != "empty" || all[1].state() != "empty" {
				t.Errorf("%s: %s, %s", name, one.state(), all[1].state())
			}
		}
	})

	t.Run("what was dropped with an error is logged", func(t *testing.T) {
		w, all := several(t, 2)
		all[0].serve(all[0].m.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.Destroy()
			rw.WriteHeader(500)
		}), requestBeside(all[1]))
		if !strings.Contains(w.log.String(), "dropped") {
			t.Errorf("log: %s", &w.log)
		}
		all[1].wantState("a=1")
	})
}

func requestBeside(others ...*client) *http.Request {
	r := request(http.MethodPost, "")
	for _, o := range others {
		for name, value := range o.jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	return r
}

func TestRuleMoreCookiesThanAreLookedAt(t *testing.T) {
	w, all := several(t, 9)
	for range 2 {
		all[0].beside(read(keyA), all[1:]...).wantCookies(t, 0)
	}
	if n := strings.Count(w.log.String(), "more cookies of the session's name than are looked at"); n != 1 {
		t.Errorf("logged %d times, want once", n)
	}
	for name, fn := range map[string]func(*session.Session){"login": set("a=2"), "logout": destroy, "ClearCookie": nil} {
		c := all[0].tab()
		var a *answer
		if fn != nil {
			a = c.beside(fn, all[1:]...)
		} else {
			r := requestBeside(all...)
			r.Host = "app.example.org"
			a = c.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.m.ClearCookie(rw, r) }), r)
		}
		a.wantPage(t)
		// host-only or for one of the two domains, all with the one path
		if got := a.cookies(); len(got) != 3 || !strings.Contains(got[0], "Domain=app.example.org") || !strings.Contains(got[1], "Domain=example.org") {
			t.Errorf("%s: Set-Cookie %q", name, got)
		}
	}
}

// Of several tombstones the one decides over which no session may begin yet: an answer
// may be under way that changes the browser's cookie.
func TestRuleSeveralTombstones(t *testing.T) {
	for name, revokedFirst := range map[string]bool{"revoked, then destroyed": true, "destroyed, then revoked": false} {
		bubble(name, t, func(t *testing.T) {
			w, all := several(t, 2)
			wantErr(t, w.m.Revoke(t.Context(), all[0].sessionID()), nil)
			all[1].tab().post(destroy).wantPage(t)
			first, second := all[0], all[1]
			if !revokedFirst {
				first, second = second, first
			}
			second.beside(set("a=2"), first).wantError(t, 409, session.ErrEnded)
			time.Sleep(strictWindow)
			second.beside(set("a=2"), first).wantPage(t)
			second.wantState("a=2")
		})
	}

	for name, fn := range map[string]func(*session.Session){"login": inOrder(renew, set("a=2")), "logout": destroy} {
		bubble("a request that comes before the answer of a "+name+" that has ended several sessions begins none", t, func(t *testing.T) {
			_, all := several(t, 2)
			before := all[0].tab()
			all[0].beside(fn, all[1]).wantPage(t)
			a := before.beside(set("a=3"), all[1])
			a.wantError(t, 409, session.ErrEnded)
			a.wantCookies(t, 0)
		})
	}
}
