package csrf

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func TestAppsNeedNoToken(t *testing.T) {
	sessions := sessiontest.NewManager(t, session.Config{Header: "Authorization"})
	user := sessiontest.Cookie(t, sessions, func(s *session.Session) { s.SetOwner("ann") })
	owner := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprintf(w, "owner %q", s.Owner())
	})
	b := browser.New(t, sessions.Handler(checkBrowsers(sessions, owner)))
	b.Post("/").Want(t, 403, "the form is out of date: please go back and load it again")
	for header, want := range map[string]string{
		"Bearer " + user.Value: `owner "ann"`,
		"bearer " + user.Value: `owner "ann"`,
		"Bearer":               `owner ""`, // the cookie does not count
		"Bearer x":             `owner ""`,
		"Basic YTpi":           "the form is out of date: please go back and load it again", // but here it does
	} {
		app := b.Other()
		app.Send("Authorization", header)
		app.Send("Cookie", user.Name+"="+user.Value)
		if a := app.Post("/"); a.Body != want {
			t.Errorf("%s: %d %s", header, a.Status, a.Body)
		}
	}
}
