package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

const spa = "https://spa.example"

func visit(t *testing.T) *browser.Browser {
	sessions, err := NewManager(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	api := &API{sessions, func(name, password string) (string, error) {
		if name != "ann" || password != "secret" {
			return "", errors.New("no")
		}
		return "42", nil
	}}
	routes, err := api.Routes(spa)
	if err != nil {
		t.Fatal(err)
	}
	return browser.New(t, routes)
}

const credentials = `{"name":"ann","password":"secret"}`

func token(t *testing.T, a browser.Answer) string {
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || body.Token == "" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	return body.Token
}

func TestAppSendsTheToken(t *testing.T) {
	b := visit(t)
	b.Send("Authorization", "Bearer")
	b.Get("/me").Want(t, 401, `{"error":"please log in"}`)
	b.Do("POST", "/login", strings.NewReader(`{"name":"ann"}`)).Want(t, 401, `{"error":"wrong name or password"}`)
	login := b.Do("POST", "/login", strings.NewReader(credentials))
	held := token(t, login)
	if login.Header.Get("Set-Cookie") != "" || login.Header.Get("Session-Token") != held {
		t.Errorf("cookie %q, header %q, body %q", login.Header.Get("Set-Cookie"), login.Header.Get("Session-Token"), held)
	}
	b.Send("Authorization", "Bearer "+held)
	b.Get("/me").Want(t, 200, `{"user":"42"}`)
	out := b.Do("POST", "/logout", nil)
	if sent, ok := out.Header["Session-Token"]; out.Status != 204 || !ok || sent[0] != "" {
		t.Errorf("%d %q %t", out.Status, sent, ok)
	}
	b.Get("/me").Want(t, 401, `{"error":"please log in"}`)
}

func TestBrowserHasACookie(t *testing.T) {
	b := visit(t)
	login := b.Do("POST", "/login", strings.NewReader(credentials))
	if login.Header.Get("Set-Cookie") == "" || login.Header.Get("Session-Token") != "" {
		t.Error(login.Header)
	}
	b.Get("/me").Want(t, 200, `{"user":"42"}`)
	b.Send("Origin", "https://evil.example")
	if a := b.Do("POST", "/logout", nil); a.Status != 403 {
		t.Error(a.Status)
	}
}

func TestTokenTransport(t *testing.T) {
	b := visit(t)
	b.Client.Jar = nil
	b.Client.Transport = &TokenTransport{Next: b.Client.Transport}
	b.Get("/me").Want(t, 401, `{"error":"please log in"}`)
	token(t, b.Do("POST", "/login", strings.NewReader(credentials)))
	b.Get("/me").Want(t, 200, `{"user":"42"}`)
	b.Do("POST", "/logout", nil).Want(t, 204, "")
	b.Get("/me").Want(t, 401, `{"error":"please log in"}`)
}

func TestScriptsOfTheOtherOrigin(t *testing.T) {
	b := visit(t)
	b.Send("Origin", spa)
	b.Send("Sec-Fetch-Site", "cross-site")
	preflight := b.Do("OPTIONS", "/me", nil)
	if got := preflight.Header.Get("Access-Control-Allow-Headers"); preflight.Status != 204 || !strings.Contains(got, "Authorization") {
		t.Errorf("%d %q", preflight.Status, got)
	}
	b.Send("Authorization", "Bearer")
	login := b.Do("POST", "/login", strings.NewReader(credentials))
	token(t, login)
	if login.Header.Get("Access-Control-Allow-Origin") != spa || login.Header.Get("Access-Control-Expose-Headers") != "Session-Token" {
		t.Error(login.Header)
	}
	b.Send("Origin", "https://evil.example")
	if h := b.Get("/me").Header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Error(h)
	}
}

func TestNoErrorOfASessionIsShown(t *testing.T) {
	for _, err := range []error{session.ErrConflict, session.ErrEnded, session.ErrUnavailable} {
		b := browser.New(t, errorSite(err))
		if a := b.Get("/"); strings.Contains(a.Body, "session:") || a.Status != session.StatusCode(err) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
}
