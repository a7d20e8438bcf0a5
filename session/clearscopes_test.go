package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// The cookies that a logout clears, when the request came with two cookies of the name.
func TestRuleScopes(t *testing.T) {
	const cleared = "; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	for _, tc := range []struct {
		rule, url string
		cookie    session.Cookie
		want      []string
	}{
		{"__Host-: Partitioned alone", "https://app.example.org/a/b", session.Cookie{}, []string{
			"Path=/" + cleared + "; Partitioned",
			"Path=/" + cleared,
		}},
		{"__Host-Http- in another case", "https://app.example.org/a/b", session.Cookie{Name: "__hOST-hTTP-s", Partitioned: true}, []string{
			"Path=/" + cleared,
			"Path=/" + cleared + "; Partitioned",
		}},
		{"domains and paths, those that differ in one first", "https://App.Example.org:8443/a/b", session.Cookie{Name: "sid"}, []string{
			"Path=/" + cleared + "; Partitioned",
			"Path=/a" + cleared,
			"Path=/; Domain=app.example.org" + cleared,
			"Path=/; Domain=example.org" + cleared,
			"Path=/a" + cleared + "; Partitioned",
			"Path=/; Domain=app.example.org" + cleared + "; Partitioned",
			"Path=/a; Domain=app.example.org" + cleared,
			"Path=/; Domain=example.org" + cleared + "; Partitioned",
			"Path=/a; Domain=example.org" + cleared,
			"Path=/a; Domain=app.example.org" + cleared + "; Partitioned",
			"Path=/a; Domain=example.org" + cleared + "; Partitioned",
			"Path=/" + cleared,
		}},
		{"a configured Domain, never a single label", "https://example.org/", session.Cookie{Domain: ".Example.org"}, []string{
			"Path=/; Domain=example.org" + cleared + "; Partitioned",
			"Path=/" + cleared,
			"Path=/" + cleared + "; Partitioned",
			"Path=/; Domain=Example.org" + cleared,
		}},
		{"an address", "https://192.0.2.1/", session.Cookie{Name: "sid"}, []string{"Path=/" + cleared + "; Partitioned", "Path=/" + cleared}},
		{"an address of IPv6", "https://[2001:db8::1]:8443/", session.Cookie{Name: "sid"}, []string{"Path=/" + cleared + "; Partitioned", "Path=/" + cleared}},
		{"localhost", "https://localhost/", session.Cookie{Name: "sid"}, []string{"Path=/" + cleared + "; Partitioned", "Path=/" + cleared}},
		{"a host and a path that are no attributes", "https://exa_mple.org/%3b/;/x", session.Cookie{Name: "sid"}, []string{
			"Path=/" + cleared + "; Partitioned",
			"Path=/%3b" + cleared,
			"Path=/%3b" + cleared + "; Partitioned",
			"Path=/" + cleared,
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, func(cfg *session.Config) { cfg.Cookie = tc.cookie })
			c, other := w.client(), w.client()
			c.post(set("a=1"))
			other.post(set("a=1"))
			r := requestBeside(other)
			u := httptest.NewRequest("POST", tc.url, nil)
			r.Host, r.URL = u.Host, u.URL
			a := c.serve(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() }), r)
			var got []string
			for _, line := range a.cookies() {
				_, attributes, _ := strings.Cut(line, "=; ")
				got = append(got, attributes)
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}

	t.Run("no more than 17 in all, and no long ones", func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.Cookie.Name = "sid" })
		c, other := w.client(), w.client()
		c.post(set("a=1"))
		other.post(set("a=1"))
		r := requestBeside(other)
		r.Host = strings.Repeat("a.", 100) + "example.org"
		r.URL.Path = "/" + strings.Repeat("long", 300) + strings.Repeat("/a", 100)
		a := c.serve(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() }), r)
		a.wantCookies(t, 17)
		if n := len(strings.Join(a.cookies(), "")); n > 17*400 {
			t.Errorf("%d bytes", n)
		}
	})

	t.Run("one cookie of the name: one Set-Cookie", func(t *testing.T) {
		for name, cookie := range map[string]session.Cookie{"default": {}, "a Domain": {Domain: "example.org"}} {
			w := newWorld(t, func(cfg *session.Config) { cfg.Cookie = cookie })
			c := w.client()
			c.post(set("a=1")).wantCookies(t, 1)
			if a := c.post(destroy); !a.cleared() {
				t.Errorf("%s: Set-Cookie %q", name, a.cookies())
			}
		}
	})
}

// A logout clears the cookie in the folders of the path: the first four, including the
// root, as far as browsers accept them as a Path.
func TestRuleFoldersWhoseCookiesAreCleared(t *testing.T) {
	long := "/" + strings.Repeat("p", 1023) // the longest that browsers take
	for path, folders := range map[string][]string{
		"/x":           {"/"},
		"/a/x":         {"/", "/a"},
		"/a/b/c/x":     {"/", "/a", "/a/b", "/a/b/c"},
		"/a/b/c/d/e/x": {"/", "/a", "/a/b", "/a/b/c"},
		long + "/x":    {"/", long},
		long + "p/x":   {"/"},
	} {
		_, c, _ := begun(t)
		a := c.sendCookies(path, []string{c.jar["session"], strings.Repeat("A", 120)}, (*session.Session).Destroy)
		var cleared []string
		for _, cookie := range a.Result().Cookies() {
			if cookie.MaxAge < 0 && !slices.Contains(cleared, cookie.Path) {
				cleared = append(cleared, cookie.Path)
			}
		}
		slices.Sort(cleared)
		if !slices.Equal(cleared, folders) {
			t.Errorf("%.20s: cleared %.20q, want %.20q", path, cleared, folders)
		}
	}
}
