package rotation_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/docs/code/rotation"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var warned []string
		site, err := rotation.New(memory.New(), func(user string) { warned = append(warned, user) })
		if err != nil {
			t.Fatal(err)
		}
		h := site.Routes()
		browser := &client{h: h}
		browser.send("POST", "/login?user=ann")
		thief := &client{h, browser.cookie}
		for range 4 { // the browser is rotated, and its new cookie is confirmed
			time.Sleep(15 * time.Minute)
			browser.want(t, "Hello ann")
		}
		time.Sleep(2 * time.Minute)
		thief.want(t, "Hello ")
		browser.want(t, "Hello ")
		if !slices.Equal(warned, []string{"ann"}) {
			t.Errorf("warned: %q", warned)
		}
	})
}

// client sends the cookie that it was sent last.
type client struct {
	h      http.Handler
	cookie *http.Cookie
}

func (c *client) send(method, url string) string {
	r, w := httptest.NewRequest(method, url, nil), httptest.NewRecorder()
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	c.h.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		c.cookie = cookie
	}
	return w.Body.String()
}

func (c *client) want(t *testing.T, text string) {
	t.Helper()
	if got := c.send("GET", "/"); got != text {
		t.Errorf("got %q; want %q", got, text)
	}
}
