package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func visit(t *testing.T) (*browser.Browser, *identity) {
	idp := newIdentity(t)
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	discovered, err := oidc.NewProvider(context.Background(), idp.URL)
	if err != nil {
		t.Fatal(err)
	}
	site := &Site{
		Sessions: sessions,
		OAuth: &oauth2.Config{
			ClientID: "shop", ClientSecret: "secret", RedirectURL: "https://shop.example/callback",
			Endpoint: discovered.Endpoint(), Scopes: []string{oidc.ScopeOpenID},
		},
		Verifier: discovered.Verifier(&oidc.Config{ClientID: "shop"}),
		API:      idp.URL + "/orders", RevocationURL: idp.URL + "/revoke",
	}
	return browser.New(t, site.Routes()), idp
}

// askIdentity begins a login and returns the path that the provider sends the visitor to.
func askIdentity(t *testing.T, b *browser.Browser) (callback string) {
	t.Helper()
	begun := b.Post("/login")
	if begun.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", begun.Status, begun.Body)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(begun.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	to, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return to.RequestURI()
}

func TestLogin(t *testing.T) {
	b, idp := visit(t)
	callback := askIdentity(t, b)
	b.Get(callback).Want(t, 303, "/")
	b.Get("/").Want(t, 200, `user "`+idp.URL+` ann"`)
	b.Get(callback).Want(t, 403, errUnknownState.Error())
}

func TestTabs(t *testing.T) {
	b, _ := visit(t)
	one, two := askIdentity(t, b), askIdentity(t, b)
	b.Get(two).Want(t, 303, "/")
	b.Get(one).Want(t, 303, "/")
}

func TestOldestFlowIsForgotten(t *testing.T) {
	b, _ := visit(t)
	first := askIdentity(t, b)
	for range maxFlows {
		askIdentity(t, b)
	}
	b.Get(first).Want(t, 403, errUnknownState.Error())
}

func TestLoginOfSomebodyElseIsRefused(t *testing.T) {
	b, _ := visit(t)
	attacker := b.Other()
	b.Get(askIdentity(t, attacker)).Want(t, 403, errUnknownState.Error())
}

func TestOneOfTwoCallbacksLogsIn(t *testing.T) {
	b, _ := visit(t)
	callback := askIdentity(t, b)
	answers := make(chan browser.Answer, 10)
	for range 10 {
		go func() { answers <- b.Get(callback) }()
	}
	done := 0
	for range 10 {
		switch a := <-answers; a.Status {
		case 303:
			done++
		case 403, 409:
		default:
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	if done != 1 {
		t.Errorf("%d logins", done)
	}
}

func TestCodeWithoutItsVerifierOrNonceIsRefused(t *testing.T) {
	b, idp := visit(t)
	one, two := askIdentity(t, b), askIdentity(t, b)
	stateOf := func(callback string) string {
		u, err := url.Parse(callback)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("state")
	}
	b.Get(strings.Replace(one, stateOf(one), stateOf(two), 1)).Want(t, 403, "the login has failed")
	idp.mu.Lock()
	idp.nonce = "replayed"
	idp.mu.Unlock()
	b.Get(askIdentity(t, b)).Want(t, 403, "the login has failed")
}
