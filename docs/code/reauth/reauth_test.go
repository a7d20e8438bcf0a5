package reauth

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// user is a browser without a network, so that time can pass in a bubble.
type user struct {
	t      *testing.T
	site   http.Handler
	cookie *http.Cookie
}

func (u *user) send(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://example.com"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if u.cookie != nil {
		r.AddCookie(&http.Cookie{Name: u.cookie.Name, Value: u.cookie.Value})
	}
	w := httptest.NewRecorder()
	u.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		u.cookie = c
	}
	return w
}

func (u *user) want(w *httptest.ResponseRecorder, status int, part string) {
	u.t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), part) {
		u.t.Errorf("status %d, %s; want %d and %q", w.Code, w.Body, status, part)
	}
}

var hidden = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)

// fields returns the hidden fields of a page.
func fields(w *httptest.ResponseRecorder) url.Values {
	form := url.Values{}
	for _, match := range hidden.FindAllStringSubmatch(w.Body.String(), -1) {
		form.Add(match[1], html.UnescapeString(match[2]))
	}
	return form
}

func visit(t *testing.T) *user {
	sessions, err := session.New(memory.New(), session.Config{SigningKeys: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return &user{t: t, site: (&Site{sessions}).Routes()}
}

func TestThePostGoesOnAfterThePassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := visit(t)
		change := url.Values{"email": {`"ann"&<b>@example.com`}}
		if w := u.send("POST", "/email", change); w.Code != 303 || w.Header().Get("Location") != "/login" {
			t.Errorf("without a login: %d", w.Code)
		}
		u.send("POST", "/login", url.Values{"name": {"ann"}, "password": {"the password of ann"}})
		u.want(u.send("POST", "/email", change), 200, "your address is")
		u.want(u.send("GET", "/keys", nil), 200, "your keys")

		time.Sleep(5 * time.Minute)
		asked := u.send("POST", "/email", change)
		u.want(asked, 403, "Your password, please")
		form := fields(asked)
		form.Set("password", "guess")
		again := u.send("POST", "/password", form)
		u.want(again, 403, "not your password")
		form = fields(again)
		form.Set("password", "the password of ann")
		before := u.cookie.Value
		offered := u.send("POST", "/password", form)
		u.want(offered, 200, "not been done yet")
		if u.cookie.Value == before {
			t.Error("the session was not renewed")
		}
		u.want(u.send("POST", "/email", fields(offered)), 200, `your address is "ann"&<b>@example.com`)

		time.Sleep(5 * time.Minute)
		form = fields(u.send("GET", "/keys", nil))
		form.Set("password", "the password of ann")
		if w := u.send("POST", "/password", form); w.Code != 303 || w.Header().Get("Location") != "/keys" {
			t.Errorf("a page: %d to %q", w.Code, w.Header().Get("Location"))
		}
		u.want(u.send("GET", "/keys", nil), 200, "your keys")
	})
}

func TestOnlyThePathsOfTheSiteAreOffered(t *testing.T) {
	u := visit(t)
	u.send("POST", "/login", url.Values{"name": {"ann"}, "password": {"the password of ann"}})
	form := url.Values{"to": {"https://evil.example/"}, "post": {"1"}, "password": {"the password of ann"}}
	u.want(u.send("POST", "/password", form), 400, "not valid")
}
