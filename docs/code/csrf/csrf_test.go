package csrf

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func visit(t *testing.T, wrap func(*session.Manager) http.Handler) *browser.Browser {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return browser.New(t, wrap(sessions))
}

func TestOtherSitesLoadNothing(t *testing.T) {
	b := visit(t, func(sessions *session.Manager) http.Handler {
		return isolate(sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, _ *session.Session) { fmt.Fprint(w, "done") }))
	})
	for _, test := range []struct {
		site, mode, dest string
		status           int
	}{
		{"", "", "", 200},
		{"same-origin", "cors", "empty", 200},
		{"none", "navigate", "document", 200},
		{"cross-site", "navigate", "document", 200},
		{"same-site", "navigate", "document", 200},
		{"cross-site", "navigate", "iframe", 403},
		{"cross-site", "no-cors", "image", 403},
		{"same-site", "cors", "empty", 403},
	} {
		other := b.Other()
		other.Send("Sec-Fetch-Site", test.site)
		other.Send("Sec-Fetch-Mode", test.mode)
		other.Send("Sec-Fetch-Dest", test.dest)
		if a := other.Get("/"); a.Status != test.status {
			t.Errorf("%+v: status %d", test, a.Status)
		}
	}
}

func TestCrossOriginRequestsAreRefused(t *testing.T) {
	b := visit(t, func(sessions *session.Manager) http.Handler {
		return protect(sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, _ *session.Session) { fmt.Fprint(w, "done") }))
	})
	b.Post("/").Want(t, 200, "done") // a program without the headers of browsers
	b.Send("Sec-Fetch-Site", "same-origin")
	b.Post("/").Want(t, 200, "done")
	b.Send("Sec-Fetch-Site", "cross-site")
	b.Get("/").Want(t, 200, "done")
	if a := b.Post("/"); a.Status != 403 {
		t.Error(a.Status)
	}
	old := b.Other() // a browser that sends only Origin
	old.Send("Origin", "https://evil.example")
	if a := old.Post("/"); a.Status != 403 {
		t.Error(a.Status)
	}
	old.Send("Origin", b.URL)
	old.Post("/").Want(t, 200, "done")
}

var tokenField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// token requests the form and returns its token.
func token(t *testing.T, b *browser.Browser) string {
	a := b.Get("/form")
	m := tokenField.FindStringSubmatch(a.Body)
	if a.Status != 200 || m == nil {
		t.Errorf("%d %s", a.Status, a.Body)
		return ""
	}
	return m[1]
}

func TestToken(t *testing.T) {
	b := visit(t, Routes)
	own := token(t, b)
	other := token(t, b.Other())
	b.Post("/send").Want(t, 403, "the form is out of date: please go back and load it again")
	b.Post("/send", "csrf", other).Want(t, 403, "the form is out of date: please go back and load it again")
	b.Post("/send", "csrf", own).Want(t, 200, "sent")
	script := b.Thief() // with the same cookies
	script.Send("X-CSRF-Token", own)
	script.Do("POST", "/send", nil).Want(t, 200, "sent")
	b.Post("/login", "csrf", own).Want(t, 303, "/form")
	b.Post("/send", "csrf", own).Want(t, 403, "the form is out of date: please go back and load it again")
	b.Post("/send", "csrf", token(t, b)).Want(t, 200, "sent")
}

func TestParallelFormsHaveTheTokenThatIsStored(t *testing.T) {
	b := visit(t, Routes)
	b.Post("/login", "csrf", token(t, b)) // a session without a token
	tokens := make(chan string, 20)
	for range 20 {
		go func() { tokens <- token(t, b) }()
	}
	for range 20 {
		b.Post("/send", "csrf", <-tokens).Want(t, 200, "sent")
	}
}
