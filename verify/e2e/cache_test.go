package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

// operators set up nginx with more and more trust in what they know better. What
// Holdfast says in several ways holds if one of them is not heard.
var operators = []struct {
	name       string
	directives []string
}{
	{"an operator who heeds headers", nil},
	{"an operator who ignores Cache-Control", []string{ignoreCacheControl}},
	{"an operator who ignores Set-Cookie", []string{ignoreSetCookie}},
}

const (
	ignoreCacheControl = "proxy_ignore_headers Cache-Control Expires"
	ignoreSetCookie    = "proxy_ignore_headers Set-Cookie"
)

const (
	crowdSize   = 12
	visitsInRow = 5
)

// Guests behind one cache get neither a page nor a cookie of each other.
func TestASharedCacheKeepsTheShopsGuestsApart(t *testing.T) {
	s, err := theShop()
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(s.url)
	for _, o := range operators {
		t.Run(o.name, func(t *testing.T) {
			cache := testserver.Nginx(t, "127.0.0.1:"+u.Port(), o.directives...)
			c := newCrowd(t, cache.URL)
			for _, leak := range c.visit(crowdSize, shopping) {
				t.Error(leak)
			}
		})
	}
}

// shopping is what a guest does in the shop, beginning as one of many without a
// cookie.
func shopping(g *guest) {
	g.get("/")
	g.want(g.ask("POST", "/signup", "name", g.name, "password", password), http.StatusSeeOther, "")
	for range visitsInRow {
		g.want(g.get("/account"), http.StatusOK, g.name)
		g.want(g.get("/"), http.StatusOK, g.name)
		g.get("/race")
		g.ask("POST", "/basket", "product", "rope")
	}
	g.want(g.ask("POST", "/signout"), http.StatusSeeOther, "")
	for _, path := range []string{"/", "/signin", "/signup"} {
		g.want(g.get(path), http.StatusOK, "")
	}
}

func (g *guest) want(a answer, status int, text string) {
	if a.status != status || !strings.Contains(a.body, text) {
		g.t.Errorf("answer %d, want %d with %q:\n%s", a.status, status, text, a.body)
	}
}

// The same of an app that asks every cache to keep all it says.
func TestASharedCacheKeepsTheGuestsOfACarelessAppApart(t *testing.T) {
	for _, o := range operators {
		t.Run(o.name, func(t *testing.T) {
			c := newCrowd(t, testserver.Nginx(t, startCareless(t, nothing), o.directives...).URL)
			for _, leak := range c.visit(crowdSize, entering) {
				t.Error(leak)
			}
		})
	}
}

func entering(g *guest) {
	named := "?name=" + g.name
	g.get("/page")
	g.want(g.get("/enter"+named), http.StatusOK, g.name)
	g.want(g.get("/page"), http.StatusOK, g.name)
	g.want(g.get("/enter/anew"+named), http.StatusOK, g.name)
	for range visitsInRow {
		g.want(g.get("/page"), http.StatusOK, g.name)
	}
	g.cookie = ""
	g.want(g.get("/enter/redirect"+named), http.StatusFound, "")
	g.want(g.get("/page"), http.StatusOK, g.name)
}

// What asks for no session is cached, for guests with a cookie as well.
func TestASharedCacheKeepsWhatIsNobodys(t *testing.T) {
	s, err := theShop()
	if err != nil {
		t.Fatal(err)
	}
	shop, _ := url.Parse(s.url)
	for _, o := range operators {
		t.Run(o.name, func(t *testing.T) {
			c := newCrowd(t, testserver.Nginx(t, startCareless(t, nothing), o.directives...).URL)
			awaitHit(t, c, "/plain")
		})
	}
	// The shop wants browsers to ask each time whether its style has changed.
	t.Run("the shop's style sheet", func(t *testing.T) {
		c := newCrowd(t, testserver.Nginx(t, "127.0.0.1:"+shop.Port(), ignoreCacheControl).URL)
		awaitHit(t, c, "/static/style.css")
	})
}

// awaitHit sends guests, with a cookie and without, until the cache answers: it may
// take a moment until it has stored what it has passed on.
func awaitHit(t *testing.T, c *crowd, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, cookie := range []string{"", "session=any"} {
		g := c.guest()
		g.cookie = cookie
		for !g.get(path).fromCache() {
			if !pause(ctx) {
				t.Fatalf("%s is not cached", path)
			}
		}
	}
}

func pause(ctx context.Context) bool {
	select {
	case <-time.After(10 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// Without the headers that package session sets, the same guests do hear of each
// other through the same cache: these tests can fail.
func TestASharedCacheLeaksWhatIsNotMarked(t *testing.T) {
	for _, test := range []struct {
		missing    string
		spoil      func(http.Header)
		directives []string
		leak       string
	}{
		{"Vary", withoutVary, nil, "/page: a page of another guest"},
		{"Vary, where Cache-Control is ignored", withoutVary, []string{ignoreCacheControl}, "/page: a page of another guest"},
		{"no-store, where Set-Cookie is ignored", withoutNoStore, []string{ignoreSetCookie}, "/enter: the cookie of another guest"},
	} {
		t.Run(test.missing, func(t *testing.T) {
			c := newCrowd(t, testserver.Nginx(t, startCareless(t, test.spoil), test.directives...).URL)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for !slices.Contains(c.leaks, test.leak) {
				g := c.guest()
				g.get("/enter?name=" + g.name)
				g.get("/page")
				if !pause(ctx) {
					t.Fatalf("no such leak: %s; but %q", test.leak, c.leaks)
				}
			}
		})
	}
}
