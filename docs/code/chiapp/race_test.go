package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// Two tabs load a page that has a message and no token yet, in every order: both get the
// token that is stored, and one gets the message.
func TestTwoTabs(t *testing.T) {
	a := newApp(t)
	visitor := sessiontest.Cookie(t, a.sessions, func(s *session.Session) { addNotice(s, "hello") })
	load := func() *http.Request { return get("/", visitor) }
	sessiontest.Interleave(t, a.sessions, load, load, a.routes(), func(t testing.TB, order string, resA, resB *http.Response) {
		var stored string
		sessiontest.Read(t, a.sessions, visitor, func(s *session.Session) { stored, _ = csrfToken.Get(s) })
		if stored == "" {
			t.Error("no token is stored")
		}
		shown := 0
		for _, res := range []*http.Response{resA, resB} {
			page, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(page), stored) {
				t.Errorf("%d %s", res.StatusCode, page)
			}
			shown += strings.Count(string(page), "hello")
		}
		if shown != 1 {
			t.Errorf("the message is shown %d times", shown)
		}
	})
}
