package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestCookieAttributes(t *testing.T) {
	cases := map[string]struct {
		cookie session.Cookie
		want   string // after the value
	}{
		"the zero value":     {session.Cookie{}, "__Host-session=; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"insecure":           {session.Cookie{Insecure: true}, "session=; Path=/; HttpOnly; SameSite=Lax"},
		"a domain":           {session.Cookie{Domain: "example.org"}, "__Secure-session=; Path=/; Domain=example.org; HttpOnly; Secure; SameSite=Lax"},
		"a path":             {session.Cookie{Path: "/app"}, "__Secure-session=; Path=/app; HttpOnly; Secure; SameSite=Lax"},
		"strict":             {session.Cookie{SameSite: http.SameSiteStrictMode}, "__Host-session=; Path=/; HttpOnly; Secure; SameSite=Strict"},
		"none, partitioned":  {session.Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true}, "__Host-session=; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		"a domain, insecure": {session.Cookie{Domain: "example.org", Insecure: true}, "session=; Path=/; Domain=example.org; HttpOnly; SameSite=Lax"},
		"a name and an age":  {session.Cookie{Name: "__Secure-s", MaxAge: 48 * time.Hour}, "__Secure-s=; Path=/; Max-Age=172800; HttpOnly; Secure; SameSite=Lax"},
		"the longest of all": {session.Cookie{Name: strings.Repeat("n", 4096-120)}, strings.Repeat("n", 4096-120) + "=; Path=/; HttpOnly; Secure; SameSite=Lax"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := session.New(memory.New(), session.Config{Cookie: c.cookie})
			if err != nil {
				t.Fatal(err)
			}
			cookie := cookieOf(t, m)
			if len(cookie.Value) != 120 {
				t.Errorf("the value has %d bytes", len(cookie.Value))
			}
			if got := strings.Replace(cookie.Raw, cookie.Value, "", 1); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestRuleCookieOpens says which of the cookies that a request sends open a session.
func TestRuleCookieOpens(t *testing.T) {
	t.Run("no token of another length, be it signed by us", func(t *testing.T) {
		w, c, _ := begun(t)
		codec := securecookie.New(bytes.Repeat([]byte("k"), 32), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
		for _, length := range []int{5, 31, 33} { // the cookie is as long with 31 and 33 bytes as with 32
			signed, err := codec.Encode("session", make([]byte, length))
			wantErr(t, err, nil)
			c.jar["session"] = signed
			w.wantTrips(t, 0, func() { c.wantState("empty") })
		}
	})

	t.Run("no value of another length, at no look at the keys", func(t *testing.T) {
		allocs := func(keys int) float64 {
			w := newWorld(t, func(cfg *session.Config) {
				cfg.SigningKeys = nil
				for i := range keys {
					cfg.SigningKeys = append(cfg.SigningKeys, bytes.Repeat([]byte{byte(i)}, 32))
				}
			})
			return allocsOf(w, "session="+strings.Repeat("a", 4000))
		}
		if one, many := allocs(1), allocs(64); many > one+10 {
			t.Errorf("%v allocations with 64 keys, %v with one", many, one)
		}
	})

	t.Run("none of too many, which are not even collected", func(t *testing.T) {
		w := newWorld(t)
		few := allocsOf(w, strings.Repeat("session=x; ", 10))
		if many := allocsOf(w, strings.Repeat("session=x; ", 100_000)); many > few+4 {
			t.Errorf("%v allocations with 100,000 cookies, %v with 10", many, few)
		}
	})

	t.Run("none of another namespace", func(t *testing.T) {
		w, c, _ := begun(t)
		c.m = w.manager(func(cfg *session.Config) { cfg.Namespace = "other" })
		c.wantState("empty")
	})

	t.Run("none in a flood", func(t *testing.T) {
		w, c, _ := begun(t)
		for _, tc := range []struct {
			more int
			want string
		}{{7, "a=1"}, {8, "empty"}} {
			r := request(http.MethodPost, "")
			for i := range tc.more {
				r.AddCookie(&http.Cookie{Name: "session", Value: fmt.Sprint("forged", i)})
			}
			var got string
			c.tab().serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { got = show(s) }), r)
			if got != tc.want {
				t.Errorf("with %d forged ones it opens %q; want %q", tc.more, got, tc.want)
			}
		}
	})

	bubble("none, at a trip at most, while the keys were never read and the store fails", t, func(t *testing.T) {
		ring := func(cfg *session.Config) { cfg.SigningKeys = nil }
		w, c, _ := begun(t, ring)
		c.m = w.manager(ring)
		w.store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
		for name, value := range c.jar {
			c.jar[name] = "x" + value[1:len(value)-1] + "x"
		}
		w.wantTrips(t, 1, func() {
			for range 20 {
				c.post(read(keyA)).wantError(t, 503, session.ErrUnavailable)
			}
		})
	})

	bubble("one of a key that another instance has made since", t, func(t *testing.T) {
		ring := func(cfg *session.Config) { cfg.SigningKeys = nil }
		w, c, _ := begun(t, ring)
		old := w.manager(ring)
		c.m = old
		c.wantState("a=1") // old has read the ring
		saves := w.savesSince(0)
		at := slices.IndexFunc(saves, func(s save) bool { return s.Format == "holdfast-keyring" })
		w.erase(saves[at].ID)
		late := w.clientOf(w.manager(ring))
		late.post(set("a=2")).wantPage(t)
		time.Sleep(11 * time.Second)
		late.m = old
		late.wantState("a=2")
	})
}

func TestRuleVaryWhenLoadFails(t *testing.T) {
	w, c, _ := begun(t)
	w.onFetch(failing)
	a := c.post(read(keyA))
	a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
	if got := a.Result().Header.Get("Vary"); got != "Cookie" {
		t.Errorf("Vary is %q", got)
	}
}

// allocsOf returns how often a request with this header of cookies allocates memory.
func allocsOf(w *world, cookies string) float64 {
	r := request(http.MethodPost, "")
	r.Header.Set("Cookie", cookies)
	h := w.m.HandlerFunc(func(http.ResponseWriter, *http.Request, *session.Session) {})
	return testing.AllocsPerRun(10, func() { h.ServeHTTP(httptest.NewRecorder(), r) })
}

// If a request sends eight cookies of the name, all are looked at; if it sends nine, none
// is.
func TestRuleAsManyCookiesAsAreLookedAt(t *testing.T) {
	for sent, served := range map[int]bool{8: true, 9: false} {
		w, c, _ := begun(t)
		forged := strings.Repeat("A", len(c.jar["session"]))
		values := append(slices.Repeat([]string{forged}, sent-1), c.jar["session"])
		a := c.sendCookies("/", values, func(s *session.Session) {
			if s.IsNew() == served {
				t.Errorf("%d cookies: new %t", sent, s.IsNew())
			}
			s.Renew()
			keyA.Set(s, 2)
		})
		if n := len(a.Result().Cookies()); (n == 1) != served {
			t.Errorf("%d cookies: %d are set by a login", sent, n)
		}
		if logged := strings.Contains(w.log.String(), "more cookies"); logged == served {
			t.Errorf("%d cookies: logged %t", sent, logged)
		}
	}
}

// sendCookies sends a request with these values of the session's cookie.
func (c *client) sendCookies(path string, values []string, fn func(*session.Session)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, nil)
	r.Header.Set("Cookie", "session="+strings.Join(values, "; session="))
	w := httptest.NewRecorder()
	c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) })(w, r)
	return w
}

// Quotes around a cookie's value are not part of it (RFC 6265, section 4.1.1). A value
// with fewer than two quotes is not a quoted one.
func TestRuleCookieInQuotes(t *testing.T) {
	_, c, _ := begun(t)
	for value, opens := range map[string]bool{
		c.jar["session"]:               true,
		`"` + c.jar["session"] + `"`:   true,
		`"` + c.jar["session"]:         false,
		`"`:                            false,
		`""`:                           false,
		``:                             false,
		strings.Repeat(`"`, 3):         false,
		`""` + c.jar["session"] + `""`: false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "session="+value)
		c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if s.IsNew() == opens {
				t.Errorf("%s: new %t", value, s.IsNew())
			}
		})(httptest.NewRecorder(), r)
	}
}

// The browser forgets the cookie MaxAge after it was set; the store keeps the session by
// its own times. The two are independent.
func TestRuleCookieMaxAgeIsTheBrowsersAlone(t *testing.T) {
	short := func(cfg *session.Config) { cfg.Cookie.MaxAge = 2 * time.Hour }
	bubble("a use does not set the cookie again", t, func(t *testing.T) {
		_, c, _ := begun(t, short)
		for range 6 { // 3 h: a browser has forgotten it
			time.Sleep(30 * time.Minute)
			c.post(add(keyA, 1)).wantCookies(t, 0)
		}
		c.wantState("a=7")
	})
	bubble("nor does it keep an idle session", t, func(t *testing.T) {
		_, c, _ := begun(t, short)
		time.Sleep(time.Hour)
		c.wantState("empty")
	})
	bubble("a renewal sets it again", t, func(t *testing.T) {
		_, c, _ := begun(t, short)
		time.Sleep(30 * time.Minute)
		a := c.post(renew)
		if all := a.Result().Cookies(); len(all) != 1 || all[0].MaxAge != int(2*time.Hour/time.Second) {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})
}

// A unit test of an app is no browser, although its request has the host example.com and
// no TLS.
func TestSecureCookieOfATestsRequestIsNotLogged(t *testing.T) {
	logged := new(httpLog)
	m, err := session.New(memory.New(), session.Config{Logger: slog.New(logged)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { httpName.Set(s, "kept") })(
		w, httptest.NewRequest("POST", "/", nil))
	if len(w.Result().Cookies()) != 1 || logged.count(slog.LevelDebug) != 0 {
		t.Errorf("%d cookies and %d log lines, want one and none", len(w.Result().Cookies()), logged.count(slog.LevelDebug))
	}
}

// FuzzCookie sends a session cookie of any bytes. A cookie that was not signed with the
// Manager's keys must cost no storage trip, and only the genuine token, in any spelling,
// opens the session. No cookie sets a cookie or breaks the handler.
func FuzzCookie(f *testing.F) {
	store := &storetest.Store{Provider: memory.New()}
	keys := [][]byte{bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("o"), 32)}
	sessions, err := session.New(store, session.Config{
		SigningKeys: keys,
		Cookie:      session.Cookie{Insecure: true},
		Logger:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		f.Fatal(err)
	}
	user := session.NewKey[string]("user")
	signIn := sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { user.Set(s, "ann") })
	whoami := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		name, _ := user.Get(s)
		_, _ = io.WriteString(w, name)
	})

	w := httptest.NewRecorder()
	signIn.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	genuine := w.Result().Cookies()[0].Value

	for _, seed := range []string{
		"", genuine, genuine[1:], genuine[:len(genuine)-1], genuine + "=", strings.ToUpper(genuine),
		"x" + genuine, genuine + "; session=" + genuine, genuine + "; session=x", `"` + genuine + `"`,
		"x; theme=dark; session=" + genuine, "x;session = " + genuine + " ; y", "x;\tsession=" + genuine, "x; session", "x; sessions=" + genuine,
		strings.Repeat("A", 5000), "|||", base64.URLEncoding.EncodeToString([]byte("1|2|3")), "%00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = []string{"session=" + strings.NewReplacer("\r", "", "\n", "").Replace(value)} // a header cannot contain line breaks
		signed, sentGenuine := false, false
		for _, c := range r.CookiesNamed("session") {
			if token := verified(keys, c.Value); token != nil {
				signed = true
				sentGenuine = sentGenuine || bytes.Equal(token, verified(keys, genuine))
			}
		}
		before := store.Trips()
		w := httptest.NewRecorder()
		whoami.ServeHTTP(w, r)
		opened, trips := w.Body.String() == "ann", store.Trips()-before
		if w.Code != http.StatusOK || w.Header().Get("Set-Cookie") != "" || opened && !sentGenuine || trips > 0 && !signed {
			t.Errorf("status %d, opened %v, %d trips, Set-Cookie %q", w.Code, opened, trips, w.Header().Get("Set-Cookie"))
		}
	})
}

// verified returns the token of a cookie that one of keys has signed.
func verified(keys [][]byte, value string) []byte {
	for _, key := range keys {
		var token []byte
		codec := securecookie.New(key, nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
		if codec.Decode("session", value, &token) == nil {
			return token
		}
	}
	return nil
}
