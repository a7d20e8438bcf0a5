package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Vulnerabilities of other session systems, tried here. Each test is named after an
// advisory, and its comment says what the vulnerability was.

// verbs are all operations that a request can call on a session.
var verbs = map[string]func(*session.Session){
	"reads":      read(keyA),
	"lists":      func(s *session.Session) { s.Keys() },
	"sets":       set("b=2"),
	"updates":    add(keyA, 1),
	"pops":       pop,
	"deletes":    func(s *session.Session) { keyA.Delete(s) },
	"clears":     clearAll,
	"renews":     renew,
	"destroys":   destroy,
	"persists":   func(s *session.Session) { s.Persist(48 * time.Hour) },
	"takes back": func(s *session.Session) { s.Persist(0) },
	"saves":      func(s *session.Session) { keyB.Set(s, 3); _ = s.Save(context.Background()) },
	"updates all": func(s *session.Session) {
		_ = s.Update(context.Background(), func(s *session.Session) error { set("b=4")(s); return nil })
	},
	"has no value": func(s *session.Session) { session.NewKey[int]("nothing").Get(s) },
}

// eachVerb runs fn for every verb.
func eachVerb(t *testing.T, fn func(t *testing.T, verb string, do func(*session.Session))) {
	for verb, do := range verbs {
		t.Run(verb, func(t *testing.T) { fn(t, verb, do) })
	}
}

// Rack::Session::Pool wrote back the session that a request had loaded before its user
// logged out: a request under way undid the logout.
func TestCVE_2025_32441_Resurrection(t *testing.T) {
	for name, inFlight := range map[string]func(c *client, do func(*session.Session), logout func()) *answer{
		"the logout comes before the change": func(c *client, do func(*session.Session), logout func()) *answer {
			return c.post(func(s *session.Session) { keyA.Get(s); logout(); do(s) })
		},
		"the logout comes after the change": func(c *client, do func(*session.Session), logout func()) *answer {
			return c.post(func(s *session.Session) { do(s); logout() })
		},
		"the logout comes before the save": duringSave,
	} {
		t.Run(name, func(t *testing.T) {
			eachVerb(t, func(t *testing.T, verb string, do func(*session.Session)) {
				w, c, id := begun(t)
				tab := c.tab()
				tab.post(func(*session.Session) {}) // the tab is signed in
				a := inFlight(tab, do, func() { c.post(destroy).wantPage(t) })
				if rec := w.stored(id); rec != nil && rec.ExpiresAt.After(time.Now().Add(6*time.Minute)) {
					t.Error("the record is live again")
				}
				if got := tab.state(); strings.Contains(got, "a=") {
					t.Errorf("answered %d, and the session is %q", a.Code, got)
				}
			})
		})
	}
}

// duringSave runs logout while the save of do is on its way to the store, or after the
// request if do saves nothing.
func duringSave(c *client, do func(*session.Session), logout func()) *answer {
	late := logout
	c.w.onSave(before(func() { late = func() {}; logout() }))
	a := c.post(do)
	c.w.calm()
	late()
	return a
}

// The same vulnerability in rack-session, where the logout had removed the session from
// the pool: a save must not create a record that is absent.
func TestCVE_2025_46336_Resurrection(t *testing.T) {
	eachVerb(t, func(t *testing.T, verb string, do func(*session.Session)) {
		w, c, id := begun(t)
		old := c.jar["session"]
		c.post(func(s *session.Session) { keyA.Get(s); w.erase(id); do(s) })
		if rec := w.stored(id); rec != nil {
			t.Error("the record is there again")
		}
		w.clientWith("session", old).wantState("empty")
	})
}

// clientWith returns a client that has this one cookie.
func (w *world) clientWith(name, value string) *client {
	c := w.client()
	c.jar[name] = value
	return c
}

// PHP before 5.5.2 began a session under any ID that the visitor sent: an attacker plants
// an ID of his choice, and knows the session's ID after the login.
func TestCVE_2011_4718_Fixation(t *testing.T) {
	w, c, _ := begun(t)
	destroyed := c.jar["session"]
	c.post(destroy)
	elsewhere := newWorld(t).client() // the same signing key, another store
	elsewhere.post(set("a=1")).wantPage(t)
	for name, planted := range map[string]string{
		"of the attacker's making":         "attacker",
		"a record's ID":                    strings.Repeat("A", 43),
		"signed, of no session":            elsewhere.jar["session"],
		"signed, of an ended session":      destroyed,
		"signed, in another spelling":      elsewhere.jar["session"] + "=",
		"as long as a genuine one":         strings.Repeat("A", 120),
		"longer than a genuine one can be": strings.Repeat("A", 4000),
	} {
		t.Run(name, func(t *testing.T) {
			for _, begins := range []func(*session.Session){set("a=1"), login} {
				victim := w.clientWith("session", planted)
				victim.post(begins)
				if victim.jar["session"] == planted && victim.state() != "empty" {
					t.Error("the planted cookie was adopted")
				}
				w.clientWith("session", planted).wantState("empty")
			}
		})
	}
}

// Fiber's session middleware took the ID from the request, including from the header and
// the query.
func TestCVE_2024_38513_Fixation(t *testing.T) {
	t.Run("the attacker's own session, planted before a login", func(t *testing.T) {
		_, attacker, _ := begun(t)
		victim := attacker.tab()
		victim.post(login).wantPage(t)
		victim.wantState("a=1 c=1")
		attacker.wantState("empty")
		attacker.post(set("b=1")).wantError(t, http.StatusConflict, session.ErrEnded)
		victim.wantState("a=1 c=1")
	})
	t.Run("a session ID comes by cookie only", func(t *testing.T) {
		w, c, _ := begun(t)
		id := c.jar["session"]
		r := request(http.MethodPost, "session="+id)
		r.URL.RawQuery = "session=" + id + "&__Host-session=" + id
		for _, name := range []string{"Session", "X-Session", "Session-Id", "X-Session-Id", "Authorization"} {
			r.Header.Set(name, id)
		}
		var got string
		w.client().serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { got = show(s) }), r)
		if got != "empty" {
			t.Errorf("it opens %q", got)
		}
	})
}

// Django created an empty record for every unknown session key that it received, and
// (CVE-2015-5963) for every logout: a flood fills the store.
func TestCVE_2015_5143_EmptyRecords(t *testing.T) {
	w := newWorld(t)
	codec := securecookie.New(bytes.Repeat([]byte("k"), 32), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
	sends := map[string]func(i int) *client{
		"no cookie":          func(int) *client { return w.client() },
		"a forged cookie":    func(i int) *client { return w.clientWith("session", fmt.Sprint("forged", i)) },
		"a key of no record": func(i int) *client { return w.clientWith("session", must(codec.Encode("session", tokenOf(i)))) },
	}
	asks := map[string]func(*session.Session){
		"reads": read(keyA), "lists": func(s *session.Session) { s.Keys() }, "pops": pop,
		"deletes": func(s *session.Session) { keyA.Delete(s) }, "clears": clearAll,
		"destroys": destroy, "persists": func(s *session.Session) { s.Persist(time.Hour) },
		"saves": func(s *session.Session) { wantErr(t, s.Save(context.Background()), nil) },
	}
	for who, client := range sends {
		for what, ask := range asks {
			t.Run(who+" "+what, func(t *testing.T) {
				for i := range 20 {
					client(i).post(ask).wantPage(t)
				}
			})
		}
	}
	if n := w.store.Saves.Load(); n != 0 {
		t.Errorf("%d records", n)
	}
}

func tokenOf(i int) []byte { return []byte(fmt.Sprintf("%032d", i)) }

// Flask did not send Vary: Cookie where a session was refreshed but not read, and
// (CVE-2026-27205) where only its keys were listed: a shared cache gave one user's page,
// or cookie, to the next.
func TestCVE_2023_30861_MissingVary(t *testing.T) {
	check := func(t *testing.T, a *answer) {
		t.Helper()
		h := a.Result().Header
		if got := h.Get("Vary"); got != "Cookie" {
			t.Errorf("status %d: Vary is %q", a.Code, got)
		}
		if len(a.cookies()) > 0 && h.Get("Cache-Control") != "no-store" {
			t.Errorf("status %d: Set-Cookie with Cache-Control %q", a.Code, h.Get("Cache-Control"))
		}
	}
	cacheable := func(do func(*session.Session)) func(http.ResponseWriter, *http.Request, *session.Session) {
		return func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			w.Header().Set("Cache-Control", "public, max-age=600")
			do(s)
			_, _ = w.Write([]byte("page"))
		}
	}
	eachVerb(t, func(t *testing.T, verb string, do func(*session.Session)) {
		w, c, _ := begun(t)
		check(t, c.tab().send(http.MethodPost, cacheable(do)))
		check(t, w.client().send(http.MethodPost, cacheable(do)))
		w.onSave(refused(provider.ErrFull), refused(provider.ErrFull), refused(provider.ErrFull))
		check(t, c.tab().send(http.MethodPost, cacheable(do)))
	})
	t.Run("a load that fails", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onFetch(failing)
		check(t, c.send(http.MethodGet, cacheable(func(*session.Session) {})))
	})
	bubble("a touch", t, func(t *testing.T) {
		_, c, _ := begun(t)
		time.Sleep(30 * time.Minute)
		check(t, c.send(http.MethodGet, cacheable(func(*session.Session) {})))
	})
}

// Rack looked sessions up by the value of the cookie: an attacker who could read the
// store, or time its index, could open sessions. Holdfast gives the store a hash, so that
// neither reveals the token.
func TestCVE_2019_16782_LookupTimingAndHashAtRest(t *testing.T) {
	for name, opt := range map[string]func(*session.Config){
		"signing keys of the app's": func(*session.Config) {},
		"signing keys in the store": func(cfg *session.Config) { cfg.SigningKeys = nil },
	} {
		t.Run("a dump of the store opens no session: "+name, func(t *testing.T) {
			w, c, _ := begun(t, opt)
			c.post(login).wantPage(t)
			keys := [][]byte{bytes.Repeat([]byte("k"), 32)} // even if these have leaked as well
			var dump []string
			for _, s := range w.savesSince(0) {
				if s.Format == "holdfast-keyring" {
					keys = append(keys, s.Data[10:42])
					continue
				}
				dump = append(dump, s.ID, string(s.Data), string(must(base64.RawURLEncoding.DecodeString(s.ID))))
			}
			for _, stolen := range dump {
				for _, key := range keys {
					codec := securecookie.New(key, nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0).MaxLength(0)
					w.clientWith("session", stolen).wantState("empty")
					w.clientWith("session", must(codec.Encode("session", []byte(stolen)))).wantState("empty")
				}
			}
		})
	}

	t.Run("tokens of one beginning are looked up by IDs that have nothing in common", func(t *testing.T) {
		w := newWorld(t)
		var asked []string
		w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			asked = append(asked, id)
			return next(ctx, id)
		}
		codec := securecookie.New(bytes.Repeat([]byte("k"), 32), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
		for i := range 1000 { // differ in the last three bytes
			w.clientWith("session", must(codec.Encode("session", tokenOf(i)))).wantState("empty")
		}
		slices.Sort(asked)
		shared := 0
		for i := range asked[1:] {
			for n := 0; n < len(asked[i]) && asked[i][n] == asked[i+1][n]; n++ {
				shared = max(shared, n+1)
			}
		}
		if len(slices.Compact(asked)) != 1000 || shared > 8 { // of 43 characters; 4 or 5 are equal by chance
			t.Errorf("%d IDs, two with %d characters in common", len(asked), shared)
		}
	})
}

// Better Auth's sign-out trusted the cookies' unsigned values, and ended the sessions of
// others.
func TestCVE_2025_71402_UnsignedValueAtLogout(t *testing.T) {
	w, victim, id := begun(t)
	genuine := victim.jar["session"]
	signed := must(base64.URLEncoding.DecodeString(genuine)) // "date|token|signature"
	parts := bytes.SplitN(signed, []byte("|"), 3)
	cut := base64.URLEncoding.EncodeToString(append(bytes.Join(parts[:2], []byte("|")), '|'))
	other := securecookie.New(bytes.Repeat([]byte("o"), 32), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
	raw := must(base64.URLEncoding.DecodeString(string(parts[1])))
	for name, value := range map[string]string{
		"its public ID, which is public": id,
		"its token, unsigned":            string(parts[1]),
		"its cookie without a signature": cut,
		"its cookie, cut by a character": genuine[:len(genuine)-1],
		"its token under another key":    must(other.Encode("session", raw)),
	} {
		t.Run(name, func(t *testing.T) {
			n := w.store.Trips()
			w.clientWith("session", value).post(destroy).wantPage(t)
			if n = w.store.Trips() - n; n != 0 {
				t.Errorf("%d trips to the store", n)
			}
			victim.wantState("a=1")
		})
	}
}

// Expired sessions were accepted for as long as the store kept them, or by a cookie that
// was sent once more.
func TestAdvisoryExpiredSessionHonoured(t *testing.T) {
	bubble("after the idle timeout", t, func(t *testing.T) {
		_, c, _ := begun(t)
		time.Sleep(time.Hour)
		c.wantState("empty")
		c.post(set("b=1")).wantPage(t)
		c.wantState("b=1") // a session of its own
	})
	bubble("after the lifetime, though the store has it still", t, func(t *testing.T) {
		w, c, id := begun(t)
		rec := w.stored(id)
		rec.ExpiresAt = time.Now().Add(1000 * time.Hour)
		wantErr(t, w.store.Provider.Save(t.Context(), rec, -1), nil)
		time.Sleep(24*time.Hour - time.Second)
		c.tab().wantState("a=1")
		time.Sleep(time.Second)
		c.wantState("empty")
	})
	bubble("between the load and the save", t, func(t *testing.T) {
		w, c, id := begun(t)
		c.post(func(s *session.Session) {
			time.Sleep(time.Hour)
			keyB.Set(s, 1)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		if w.stored(id) != nil {
			t.Error("it is there again")
		}
	})
	bubble("with its persistent cookie", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) { s.Persist(400 * 24 * time.Hour) }).wantPage(t)
		time.Sleep(30 * 24 * time.Hour)
		c.wantState("empty")
	})
}

// Two applications on one store read each other's sessions, because only the key told
// them apart.
func TestAdvisoryNamespacesCollide(t *testing.T) {
	names := []string{"", "a", "b", "ab", "session", "key ring", "A", "ä", strings.Repeat("n", 1000)}
	w := newWorld(t)
	managers := map[string]*session.Manager{}
	for _, name := range names {
		managers[name] = w.manager(func(cfg *session.Config) { cfg.Namespace = name })
	}
	for i, mine := range names {
		c := w.clientOf(managers[mine])
		c.post(set(fmt.Sprint("a=", i))).wantPage(t)
		for _, theirs := range names {
			if theirs == mine {
				continue
			}
			other := c.tab()
			other.m = managers[theirs]
			other.wantState("empty")
			other.post(destroy).wantPage(t)
		}
		c.wantState(fmt.Sprint("a=", i))
	}

	t.Run("nor do their key rings", func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
		other := w.manager(func(cfg *session.Config) { cfg.SigningKeys, cfg.Namespace = nil, "other" })
		mine, theirs := w.client(), w.clientOf(other)
		mine.post(set("a=1")).wantPage(t)
		theirs.post(set("a=2")).wantPage(t)
		mine.jar, theirs.jar = theirs.jar, mine.jar
		mine.wantState("empty")
		theirs.wantState("empty")
	})
}
