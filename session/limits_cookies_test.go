package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// sendCookies sends a request with these values of the session's cookie.
func (c *client) sendCookies(path string, values []string, fn func(*session.Session)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, nil)
	r.Header.Set("Cookie", "session="+strings.Join(values, "; session="))
	w := httptest.NewRecorder()
	c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) })(w, r)
	return w
}

// Of eight cookies of the name all are looked at, and of nine none.
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

// A logout clears the cookie in the folders of the path: the first four, root included,
// as far as browsers take one as a Path.
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
