package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/examples/oidc/identity"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A world is two instances of a site, which share a store and take turns, and an OpenID
// provider.
type world struct {
	t         *testing.T
	store     *faulty
	site      *httptest.Server // whose requests the instances handle in turns
	instances [2]*Site
	idp       *identity.Provider
}

const clientID = "site"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: &faulty{Provider: memory.New()}}
	var handlers [2]http.Handler
	var turn atomic.Int64
	w.site = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handlers[turn.Add(1)%2].ServeHTTP(rw, r)
	}))
	t.Cleanup(w.site.Close)
	idpServer := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.idp.ServeHTTP(rw, r) }))
	t.Cleanup(idpServer.Close)
	var err error
	w.idp, err = identity.New(idpServer.URL, identity.Client{ID: clientID, Secret: "secret", URL: w.site.URL, HTTP: w.site.Client()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.instances {
		w.instances[i], err = New(t.Context(), Options{Store: w.store, URL: w.site.URL, Issuer: idpServer.URL, ClientID: clientID, ClientSecret: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		handlers[i] = w.instances[i].Routes()
	}
	return w
}

// faulty is a store whose next Saves call beforeSave.
type faulty struct {
	provider.Provider
	beforeSave atomic.Pointer[func(*provider.Record) error]
}

func (f *faulty) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if before := f.beforeSave.Load(); before != nil {
		if err := (*before)(rec); err != nil {
			return err
		}
	}
	return f.Provider.Save(ctx, rec, expectVersion)
}

// onSave sets what the store does before each Save; nil: nothing.
func (w *world) onSave(do func(*provider.Record) error) {
	if do == nil {
		w.store.beforeSave.Store(nil)
		return
	}
	w.store.beforeSave.Store(&do)
}

// A browser follows redirects and keeps cookies.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Transport: w.site.Client().Transport, Jar: jar}}
}

// signIn signs a user in at the provider, and returns the answer of the site.
func (b *browser) signIn(user string) (status int, body string) {
	b.w.t.Helper()
	res := b.post(b.w.site.URL+"/login", nil)
	res.Body.Close()
	page := res.Request.URL // of the provider's login
	if res.StatusCode != http.StatusOK || page.Path != "/login/username" {
		b.w.t.Fatalf("%s answers %s", page, res.Status)
	}
	form := url.Values{"authRequestID": page.Query()["authRequestID"], "name": {user}, "password": {user}}
	page.RawQuery = ""
	res = b.post(page.String(), form)
	return res.StatusCode, read(b.w.t, res)
}

// signedIn is signIn, which must succeed.
func (w *world) signedIn(user string) *browser {
	w.t.Helper()
	b := w.browser()
	if status, body := b.signIn(user); status != http.StatusOK || !strings.Contains(body, user) {
		w.t.Fatalf("signing in: %d %s", status, body)
	}
	return b
}

func (b *browser) post(to string, form url.Values) *http.Response {
	b.w.t.Helper()
	res, err := b.client.PostForm(to, form)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return res
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// want checks whether the site's page shows a user, on both instances.
func (b *browser) want(signedIn bool) {
	b.w.t.Helper()
	for range b.w.instances {
		res, err := b.client.Get(b.w.site.URL)
		if err != nil {
			b.w.t.Fatal(err)
		}
		if body := read(b.w.t, res); res.StatusCode != http.StatusOK || strings.Contains(body, `id="user"`) != signedIn {
			b.w.t.Errorf("%s, want signed in: %v\n%s", res.Status, signedIn, body)
		}
	}
}

// session returns the only session of a user at the provider.
func (w *world) session(user string) string {
	w.t.Helper()
	var found []string
	for _, s := range w.idp.Sessions() {
		if s.Subject == user {
			found = append(found, s.ID)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%s has %d sessions", user, len(found))
	}
	return found[0]
}

// An answer is the status and the body of a response to the provider.
type answer struct {
	status int
	body   string
}

// send sends a token of the provider to the site.
func (w *world) send(path, contentType, body string) answer {
	w.t.Helper()
	res, err := w.site.Client().Post(w.site.URL+path, contentType, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if res.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%s: Cache-Control %q", path, res.Header.Get("Cache-Control"))
	}
	return answer{res.StatusCode, strings.TrimSpace(read(w.t, res))}
}

func (a answer) want(t *testing.T, status int, contains string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, contains) {
		t.Errorf("%d %q; want %d and %q", a.status, a.body, status, contains)
	}
}

// sign returns a token that the provider has signed.
func (w *world) sign(typ string, claims any) string {
	w.t.Helper()
	raw, err := w.idp.Sign(typ, claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("unexpected: %w", err))
	}
}
