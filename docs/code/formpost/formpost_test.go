package formpost

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func visit(t *testing.T) (*browser.Browser, *Site) {
	sessions, roundTrips, err := managers(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	site := &Site{sessions, roundTrips, &url.URL{Scheme: "https", Host: "id.example", Path: "/authorize"}, func(answer url.Values) (string, error) {
		if answer.Get("proof") != "good" {
			return "", errors.New("not proven")
		}
		return "ann", nil
	}}
	return browser.New(t, site.Routes()), site
}

// begin begins a login and returns its state.
func begin(t *testing.T, b *browser.Browser) string {
	to, err := url.Parse(b.Post("/login").Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to.Query().Get("state")
}

// fromIdentity posts a form from the other site's page: browsers send only the cookies
// with SameSite=None. A cookie jar of Go knows no SameSite, so the cookies are picked
// here, by the name of that which the site has set so.
func fromIdentity(t *testing.T, b *browser.Browser, fields ...string) browser.Answer {
	site, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	limited := b.Other()
	limited.Send("Origin", "https://id.example")
	limited.Send("Sec-Fetch-Site", "cross-site")
	for _, c := range b.Client.Jar.Cookies(site) {
		if c.Name == "__Host-roundtrip" {
			limited.Client.Jar.SetCookies(site, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/", Secure: true}})
		}
	}
	a := limited.Post("/callback", fields...)
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		b.Client.Jar.SetCookies(site, []*http.Cookie{c})
	}
	return a
}

func TestTheRoundTripCookieIsSameSiteNone(t *testing.T) {
	b, _ := visit(t)
	if c := b.Post("/login").Header.Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-roundtrip=") || !strings.HasSuffix(c, "SameSite=None") {
		t.Error(c)
	}
}

func TestLogin(t *testing.T) {
	b, _ := visit(t)
	state := begin(t, b)
	fromIdentity(t, b, "state", state, "proof", "good").Want(t, 303, "/welcome")
	b.Get("/welcome").Want(t, 303, "/")
	b.Get("/").Want(t, 200, `user "ann"`)
	b.Get("/welcome").Want(t, 403, "please log in")
	fromIdentity(t, b, "state", state, "proof", "good").Want(t, 403, "this login was not begun here, or is done")
}

func TestLoginOfSomebodyElseIsRefused(t *testing.T) {
	b, _ := visit(t)
	state := begin(t, b.Other())
	fromIdentity(t, b, "state", state, "proof", "good").Want(t, 403, "this login was not begun here, or is done")
	fromIdentity(t, b, "state", begin(t, b), "proof", "bad").Want(t, 403, "the login has failed")
	b.Get("/welcome").Want(t, 403, "please log in")
}
