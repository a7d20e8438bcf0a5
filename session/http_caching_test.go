package session_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// A cache that stores an answer with Set-Cookie gives one visitor's session to the next.
func TestHTTPNoStoreReplacesCacheControlWithSetCookie(t *testing.T) {
	httpEach(t, func(t *testing.T, serve func(httpLeaf) *httpSite) {
		site := serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			httpName.Set(s, "cached?")
			w.Header().Add("Cache-Control", "public")
			w.Header().Add("Cache-Control", "max-age=600")
			io.WriteString(w, "page")
		})
		v := site.visitor(t)
		for _, c := range []struct {
			cookies int
			want    string
		}{{1, "no-store"}, {0, "public, max-age=600"}} {
			a := v.get("/")
			if got := strings.Join(a.header.Values("Cache-Control"), ", "); got != c.want || len(a.cookies) != c.cookies {
				t.Errorf("with %d cookies, Cache-Control: %q; want %q with %d", len(a.cookies), got, c.want, c.cookies)
			}
		}
	})
}

// httpTargeted are the headers that tell some caches something other than Cache-Control
// does, and their values in an answer with Set-Cookie.
var httpTargeted = []struct{ name, handlers, want string }{
	{"CDN-Cache-Control", "max-age=600", "no-store"},
	{"Cloudflare-CDN-Cache-Control", "max-age=600", "no-store"},
	{"Vercel-CDN-Cache-Control", "max-age=600", "no-store"},
	{"Akamai-Cache-Control", "max-age=600", "no-store"},
	{"X-LiteSpeed-Cache-Control", "public,max-age=600", "no-store"},
	{"Surrogate-Control", "max-age=600", "no-store"},
	{"Edge-Control", "cache-maxage=10m", "no-store"},
	{"X-Accel-Expires", "600", "0"},
	{"Expires", "Fri, 01 Jan 2100 00:00:00 GMT", ""},
	{"Pragma", "no-cache", "no-cache"},                       // forbids storing, if it is set
	{"Surrogate-Key", "page", "page"},                        // a name to purge by
	{"X-Cache-Control-Policy", "max-age=600", "max-age=600"}, // another header
}

// The rule for Cache-Control holds for the headers that replace it at some caches (RFC
// 9213). In an answer without Set-Cookie they stay as the handler has set them.
func TestHTTPNoStoreReplacesTargetedCacheHeadersWithSetCookie(t *testing.T) {
	for _, c := range httpTargeted {
		for _, as := range []string{c.name, http.CanonicalHeaderKey(c.name), strings.ToLower(c.name)} {
			t.Run(as, func(t *testing.T) {
				env := httpNew(t, session.Config{})
				site := env.serve(t, httpProto1, env.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					httpName.Set(s, "cached?")
					w.Header()[as] = []string{c.handlers}
					io.WriteString(w, "page")
				}))
				v := site.visitor(t)
				if a := v.get("/"); a.header.Get(c.name) != c.want || len(a.cookies) != 1 {
					t.Errorf("with Set-Cookie %q, want %q", a.header.Get(c.name), c.want)
				}
				if a := v.get("/"); a.header.Get(c.name) != c.handlers || len(a.cookies) != 0 {
					t.Errorf("without Set-Cookie %q, want %q", a.header.Get(c.name), c.handlers)
				}
			})
		}
	}
}

// Caches do not store the answer to an error, whatever outer middleware has set.
func TestHTTPErrorAnswersAreNotCached(t *testing.T) {
	env := httpNew(t, session.Config{})
	inner := env.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { httpName.Set(s, "lost") })
	site := env.serve(t, httpProto1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public")
		w.Header().Set("CDN-Cache-Control", "max-age=600")
		inner(w, r)
	}))
	v := site.begun(t)
	site.failSaves()
	a := v.get("/")
	httpUnavailable(t, a)
	if cache, cdn := a.header.Get("Cache-Control"), a.header.Get("CDN-Cache-Control"); cache != "no-store" || cdn != "no-store" {
		t.Errorf("Cache-Control: %q, CDN-Cache-Control: %q; want no-store", cache, cdn)
	}
}
