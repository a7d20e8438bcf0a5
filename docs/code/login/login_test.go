package login

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func visit(t *testing.T) *browser.Browser {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site := &Site{sessions, func(name, password string) (string, error) {
		if name != "ann" || password != "secret" {
			return "", errors.New("no")
		}
		return "42", nil
	}}
	return browser.New(t, site.Routes())
}

func TestLogInAndOut(t *testing.T) {
	b := visit(t)
	b.Post("/login", "name", "ann", "password", "guess").Want(t, 401, "wrong name or password")
	b.Get("/").Want(t, 200, "please log in")
	b.Post("/login", "name", "ann", "password", "secret").Want(t, 303, "/")
	b.Get("/").Want(t, 200, "you are user 42")
	thief := b.Thief()
	b.Post("/logout").Want(t, 303, "/")
	b.Get("/").Want(t, 200, "please log in")
	thief.Get("/").Want(t, 200, "please log in")
}

func TestALoginChangesTheID(t *testing.T) {
	b := visit(t)
	b.Post("/login", "name", "ann", "password", "secret")
	planted := b.Thief()
	b.Post("/login", "name", "ann", "password", "secret").Want(t, 303, "/")
	b.Get("/").Want(t, 200, "you are user 42")
	planted.Get("/").Want(t, 200, "please log in")
}

func TestRememberMeGivesTheCookieAMaxAge(t *testing.T) {
	b := visit(t)
	cookie := func(remember string) string {
		return b.Post("/login", "name", "ann", "password", "secret", "remember", remember).Header.Get("Set-Cookie")
	}
	if c := cookie(""); strings.Contains(c, "Max-Age") {
		t.Error(c)
	}
	if c := cookie("yes"); !strings.Contains(c, "Max-Age=2592000") {
		t.Error(c)
	}
	if c := cookie(""); strings.Contains(c, "Max-Age") {
		t.Error(c, "after a login without it")
	}
}

func TestComingBackRemembersForLonger(t *testing.T) {
	sessions, err := session.New(memory.New(), session.Config{PersistLifetime: 180 * day})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew()
		remembered.Set(s, true)
		s.Persist(10 * day) // as an earlier visit has left it
	}))
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	b := browser.New(t, sessions.Handler(keepRemembered(sessions, mux)))
	b.Post("/login")
	if c := b.Get("/").Header.Get("Set-Cookie"); !strings.Contains(c, "Max-Age=2592000") {
		t.Error(c)
	}
	if c := b.Get("/").Header.Get("Set-Cookie"); c != "" {
		t.Error("a second time on the same day:", c)
	}
}
