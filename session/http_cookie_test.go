package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestHTTPVaryOnlyWhenLoaded(t *testing.T) {
	for _, proto := range httpProtos {
		t.Run(proto, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			site := env.serve(t, proto, env.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Vary", "Accept-Language")
				if r.URL.Path == "/load" {
					if _, err := session.Load(r.Context()); err != nil {
						t.Errorf("Load: %v", err)
					}
				}
				io.WriteString(w, "page")
			})))
			for who, v := range map[string]*httpVisitor{"anonymous": site.visitor(t), "known": site.begun(t)} {
				for path, want := range map[string]bool{"/": false, "/load": true} {
					vary := strings.Join(v.get(path).header.Values("Vary"), ", ")
					if strings.Contains(vary, "Cookie") != want || !strings.Contains(vary, "Accept-Language") {
						t.Errorf("%s %s: Vary: %q; want Cookie in it: %t", who, path, vary, want)
					}
				}
			}
		})
	}
}

func TestHTTPSeveralCookiesOfTheName(t *testing.T) {
	env := httpNew(t, session.Config{})
	site := env.serve(t, httpProto1, http.NotFoundHandler())
	cookie := func(name string) string {
		v := site.begun(t)
		req, _ := http.NewRequest("GET", site.srv.URL, nil)
		return v.client.Jar.Cookies(req.URL)[0].Value
	}
	a, b := cookie("a"), cookie("b")
	unknown := func() string { // validly signed, but the session is in another store
		other := httpNew(t, session.Config{}).serve(t, httpProto1, http.NotFoundHandler())
		v := other.begun(t)
		req, _ := http.NewRequest("GET", other.srv.URL, nil)
		return v.client.Jar.Cookies(req.URL)[0].Value
	}()
	cut, forged := a[:len(a)-1], strings.Repeat("A", len(a))

	const known, anonymous = httpUnchanged, "new=true count=0 name="
	for _, c := range []struct {
		rule    string
		cookies []string
		want    string
	}{
		{"one valid", []string{a}, known},
		{"valid, then forged", []string{a, forged}, known},
		{"forged, then valid", []string{forged, a}, known},
		{"cut, valid, empty", []string{cut, a, ""}, known},
		{"the same one twice", []string{a, a}, known},
		{"two distinct live ones", []string{a, b}, anonymous},
		{"two distinct live ones among others", []string{a, forged, a, b}, anonymous},
		{"two distinct valid ones, one of no session", []string{a, unknown}, known},
		{"two distinct valid ones, the first of no session", []string{unknown, a}, known},
		{"a valid one of no session", []string{unknown}, anonymous},
		{"none valid", []string{cut, forged, ""}, anonymous},
	} {
		for _, lines := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, a line each %t", c.rule, lines), func(t *testing.T) {
				req, _ := http.NewRequest("GET", site.srv.URL+"/session/peek", nil)
				for _, value := range c.cookies {
					if pair := "session=" + value; lines {
						req.Header.Add("Cookie", pair)
					} else {
						req.AddCookie(&http.Cookie{Name: "session", Value: value})
					}
				}
				got, err := site.visitor(t).send(req)
				if err != nil {
					t.Fatal(err)
				}
				httpPage(t, got, 200, c.want, 0)
			})
		}
	}
}

// An unknown cookie is neither adopted nor cleared: a late answer would delete the cookie
// that a login has just set.
func TestHTTPUnknownCookieIsNeitherAdoptedNorCleared(t *testing.T) {
	other := httpNew(t, session.Config{}).serve(t, httpProto1, http.NotFoundHandler())
	v := other.begun(t)
	req, _ := http.NewRequest("GET", other.srv.URL, nil)
	unknown := v.client.Jar.Cookies(req.URL)

	httpEachShape(t, httpProto1, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if r.URL.Path == "/set" {
				httpName.Set(s, "set")
			}
			fmt.Fprint(w, s.IsNew())
		})
		v := site.visitor(t)
		req, _ := http.NewRequest("GET", site.srv.URL, nil)
		v.client.Jar.SetCookies(req.URL, unknown)
		httpPage(t, v.get("/"), 200, "true", 0)
		a := v.get("/set")
		httpPage(t, a, 200, "true", 1)
		if len(a.cookies) == 1 && a.cookies[0].Value == unknown[0].Value {
			t.Error("the unknown cookie was adopted")
		}
		v.expect("new=false count=0 name=set")
	})
}

func TestHTTPCookieOverTLSIsTheHostPrefixedOne(t *testing.T) {
	env := httpNew(t, session.Config{})
	m, err := session.New(env.store, session.Config{SigningKeys: [][]byte{httpSigningKey}})
	if err != nil {
		t.Fatal(err)
	}
	site := env.serve(t, httpProto2, m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprint(w, httpCount.Update(s, func(n int) int { return n + 1 }))
	}))
	v := site.visitor(t)
	a := v.get("/")
	httpPage(t, a, 200, "1", 1)
	if c := a.cookies[0]; c.Name != "__Host-session" || !c.Secure || !c.HttpOnly || c.Path != "/" ||
		c.Domain != "" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("Set-Cookie: %s", c.Raw)
	}
	httpPage(t, v.get("/"), 200, "2", 0)
}

// A link checker may send a HEAD before the visitor's GET; ServeMux's pattern "GET /x"
// matches both.
func TestHTTPHEADLeavesTheFlash(t *testing.T) {
	w := newWorld(t)
	flash := session.NewKey[string]("flash").LastWriteWins()
	code := session.NewKey[string]("code")
	mux := http.NewServeMux()
	mux.Handle("GET /x", w.m.HandlerFunc(func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
		message, _ := flash.Pop(s)
		_, ok := code.Pop(s)
		fmt.Fprint(rw, message, ok)
	}))
	mux.Handle("POST /x", w.m.HandlerFunc(func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
		flash.Set(s, "saved")
		code.Set(s, "1234")
	}))
	server := httptest.NewServer(mux)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	send := func(method string) string {
		req, _ := http.NewRequestWithContext(t.Context(), method, server.URL+"/x", nil)
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", method, resp.Status)
		}
		return string(body)
	}
	send(http.MethodPost)
	for range 2 {
		send(http.MethodHead)
	}
	if got := send(http.MethodGet); got != "savedtrue" {
		t.Errorf("the GET shows %q", got)
	}
	if got := send(http.MethodGet); got != "false" {
		t.Errorf("the next GET shows %q", got)
	}
}
