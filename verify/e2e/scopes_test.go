package e2e_test

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// After a change of the cookie's attributes but the name, a browser keeps the cookies of
// both deployments and sends both.
var scopeChanges = []struct {
	name     string
	old, now session.Cookie
}{
	{"Domain added", session.Cookie{Name: "sid"}, session.Cookie{Name: "sid", Domain: "example.localhost"}},
	{"Domain removed", session.Cookie{Name: "sid", Domain: "example.localhost"}, session.Cookie{Name: "sid"}},
	{"Partitioned switched on", session.Cookie{}, session.Cookie{Partitioned: true}},
	{"Partitioned switched off", session.Cookie{Partitioned: true}, session.Cookie{}},
}

func TestACookieOfAnEarlierDeploymentLocksNobodyOut(t *testing.T) {
	for _, change := range scopeChanges {
		t.Run(change.name, func(t *testing.T) {
			t.Run("its session renewed by the sign-in", func(t *testing.T) {
				p, deploy := visitDeployed(t, change.old)
				p.open("/login?as=old")
				deploy(change.now)
				p.open("/login?as=now")
				staysThenSignsOut(p, "now")
			})
			t.Run("its session alive", func(t *testing.T) {
				p, deploy := visitDeployed(t, change.old)
				p.open("/login?as=old")
				deploy(change.now)
				p.open("/without-cookie/login?as=now")
				p.open("/")
				p.signedIn("") // which of both is the visitor's, nobody can tell
				p.open("/login?as=again")
				p.open("/")
				p.signedIn("again")
				p.open("/logout")
				p.open("/")
				p.signedIn("")
			})
			t.Run("its session alive, and the visitor signs out", func(t *testing.T) {
				p, deploy := visitDeployed(t, change.old)
				p.open("/login?as=old")
				deploy(change.now)
				p.open("/without-cookie/login?as=now")
				signsOut(p)
			})
		})
	}
}

func staysThenSignsOut(p *tab, name string) {
	p.t.Helper()
	for range 2 {
		p.open("/")
		p.signedIn(name)
	}
	p.open("/login?as=again")
	p.open("/")
	p.signedIn("again")
	signsOut(p)
}

// signsOut signs a visitor out who has the cookies of both deployments.
func signsOut(p *tab) {
	p.t.Helper()
	if n := len(p.cookies()); n != 2 {
		p.t.Errorf("%d cookies, want those of both deployments", n)
	}
	p.open("/logout")
	p.open("/")
	p.signedIn("")
	if n := len(p.cookies()); n != 0 {
		p.t.Errorf("%d cookies are left", n)
	}
}

// visitDeployed opens a tab of a new visitor of an app with that cookie, and returns what
// deploys the app with another.
func visitDeployed(t *testing.T, cookie session.Cookie) (*tab, func(session.Cookie)) {
	t.Helper()
	needChromium(t)
	var app atomic.Pointer[http.Handler]
	store := memory.New()
	deploy := func(cookie session.Cookie) {
		h := deployed(t, store, cookie)
		app.Store(&h)
	}
	deploy(cookie)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*app.Load()).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	u, _ := url.Parse(server.URL)
	_, c := shared(t)
	return newTab(t, &shop{url: "http://app.example.localhost:" + u.Port()}, c.ctx, chromedp.WithNewBrowserContext()), deploy
}

func deployed(t *testing.T, store provider.Provider, cookie session.Cookie) http.Handler {
	t.Helper()
	sessions, err := session.New(store, session.Config{Cookie: cookie, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	name := session.NewKey[string]("name")
	mux := http.NewServeMux()
	page := func(do func(*http.Request, *session.Session)) http.Handler {
		return sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			do(r, s)
			who, _ := name.Get(s)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><p id="user">%s</p>`, html.EscapeString(who))
		})
	}
	mux.Handle("/{$}", page(func(*http.Request, *session.Session) {}))
	mux.Handle("/logout", page(func(_ *http.Request, s *session.Session) { s.Destroy() }))
	login := page(func(r *http.Request, s *session.Session) {
		s.Renew()
		name.Set(s, r.FormValue("as"))
	})
	mux.Handle("/login", login)
	mux.HandleFunc("/without-cookie/login", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie") // as in a browser that has not had the other one yet
		login.ServeHTTP(w, r)
	})
	return mux
}
