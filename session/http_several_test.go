package session_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// severalSite serves two deployments of one app over one store, whose cookies have the
// same name and differ in other attributes: the earlier deployment below /old/, the
// current one elsewhere.
type severalSite struct {
	*httpSite
	old, now *session.Manager
}

func newSeveral(t *testing.T, old, now session.Cookie) *severalSite {
	t.Helper()
	env := httpNew(t, session.Config{})
	manager := func(cookie session.Cookie) *session.Manager {
		cookie.Name = "sid"
		m, err := session.New(env.store, session.Config{
			SigningKeys: [][]byte{httpSigningKey}, StoreTimeout: patience, Logger: slog.New(env.log), Cookie: cookie,
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	site := &severalSite{old: manager(old), now: manager(now)}
	mux := http.NewServeMux()
	mux.Handle("/old/", http.StripPrefix("/old", severalApp(site.old)))
	mux.Handle("/", severalApp(site.now))
	site.httpSite = env.serve(t, httpProto1, mux)
	return site
}

// severalApp has a login, a logout and pages, below each of the two folders.
func severalApp(m *session.Manager) http.Handler {
	return m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/login"):
			s.Renew()
			httpName.Set(s, r.URL.Query().Get("as"))
		case strings.HasSuffix(r.URL.Path, "/set"):
			httpName.Set(s, r.URL.Query().Get("as"))
		case strings.HasSuffix(r.URL.Path, "/logout"):
			s.Destroy()
		}
		name, _ := httpName.Get(s)
		fmt.Fprint(w, name)
	})
}

// browser returns a browser that reaches the site under every host.
func (s *severalSite) browser(t *testing.T) *severalBrowser {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.srv.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	jar := new(scopedJar)
	return &severalBrowser{httpVisitor{t, s.httpSite, &http.Client{Jar: jar, Transport: transport, Timeout: httpPatience}}, jar}
}

type severalBrowser struct {
	httpVisitor
	jar *scopedJar
}

func (b *severalBrowser) get(at string) httpAnswer {
	b.t.Helper()
	req, _ := http.NewRequest("GET", "http://"+at, nil)
	req.Header.Set("X-Forwarded-Proto", "https")
	a, err := b.send(req)
	if err != nil || a.status != 200 {
		b.t.Fatalf("%s: %v, %v", at, a, err)
	}
	return a
}

// want checks the user that is signed in after a request to a path.
func (b *severalBrowser) want(at, name string) {
	b.t.Helper()
	if got := b.get(at).body; got != name {
		b.t.Errorf("%s: %q is signed in; want %q", at, got, name)
	}
}

func (b *severalBrowser) wantSent(at string, want int) {
	b.t.Helper()
	u, _ := url.Parse("http://" + at)
	if got := len(b.jar.Cookies(u)); got != want {
		b.t.Errorf("%s: %d cookies are sent; want %d", at, got, want)
	}
}

// scopedJar keeps cookies apart as browsers do and net/http/cookiejar does not: a cookie
// whose Domain is the host from one without a Domain, and a partitioned cookie.
type scopedJar struct{ kept []scopedCookie }

type scopedCookie struct {
	name, host, path      string
	hostOnly, partitioned bool
	value                 string
}

func (c scopedCookie) scope() scopedCookie {
	c.value = ""
	return c
}

func (j *scopedJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		set := scopedCookie{c.Name, c.Domain, c.Path, c.Domain == "", c.Partitioned, c.Value}
		switch {
		case set.hostOnly:
			set.host = u.Hostname()
		case !strings.Contains(set.host, ".") || !strings.HasSuffix("."+u.Hostname(), "."+set.host):
			continue
		}
		j.kept = slices.DeleteFunc(j.kept, func(o scopedCookie) bool { return o.scope() == set.scope() })
		if c.MaxAge >= 0 {
			j.kept = append(j.kept, set)
		}
	}
}

func (j *scopedJar) Cookies(u *url.URL) (sent []*http.Cookie) {
	for _, c := range j.kept {
		host := c.host == u.Hostname() || !c.hostOnly && strings.HasSuffix(u.Hostname(), "."+c.host)
		path := strings.HasPrefix(u.Path+"/", strings.TrimSuffix(c.path, "/")+"/")
		if host && path {
			sent = append(sent, &http.Cookie{Name: c.name, Value: c.value})
		}
	}
	return sent
}

// The changes of a cookie's attributes after which a browser sends both cookies.
var severalChanges = []struct {
	rule     string
	old, now session.Cookie
}{
	{"Domain added", session.Cookie{}, session.Cookie{Domain: "example.org"}},
	{"Domain removed", session.Cookie{Domain: "example.org"}, session.Cookie{}},
	{"Domain of the host added", session.Cookie{}, session.Cookie{Domain: "www.shop.example.org"}},
	{"Domain widened", session.Cookie{Domain: "shop.example.org"}, session.Cookie{Domain: "example.org"}},
	{"Path widened", session.Cookie{Path: "/shop"}, session.Cookie{}},
	{"Path narrowed", session.Cookie{}, session.Cookie{Path: "/shop"}},
	{"Partitioned switched on", session.Cookie{}, session.Cookie{Partitioned: true}},
	{"Partitioned switched off", session.Cookie{Partitioned: true}, session.Cookie{}},
	{"Domain and Path", session.Cookie{Domain: "example.org", Path: "/shop"}, session.Cookie{}},
}

// The paths at which the old and the new deployment show the visitor's session.
const (
	severalOld = "www.shop.example.org/old/shop/"
	severalNow = "www.shop.example.org/shop/"
)

// eachChange runs a test with a browser that has signed in before the change of the
// cookie's attributes.
func eachChange(t *testing.T, run func(t *testing.T, site *severalSite, v *severalBrowser)) {
	for _, change := range severalChanges {
		t.Run(change.rule, func(t *testing.T) {
			site := newSeveral(t, change.old, change.now)
			v := site.browser(t)
			v.want(severalOld+"login?as=old", "old")
			run(t, site, v)
		})
	}
}

// eachLive is eachChange with a browser that has signed in after the change as well,
// without the cookie from before, and has both cookies.
func eachLive(t *testing.T, run func(t *testing.T, site *severalSite, v *severalBrowser)) {
	eachChange(t, func(t *testing.T, site *severalSite, v *severalBrowser) {
		old := v.jar.kept
		v.jar.kept = nil
		v.want(severalNow+"login?as=now", "now")
		v.jar.kept = append(v.jar.kept, old...)
		v.wantSent(severalNow, 2)
		run(t, site, v)
	})
}

// thenLogout checks that the visitor, who is signed in as name beside a cookie that opens
// nothing, can sign in and out.
func thenLogout(v *severalBrowser, name string) {
	v.t.Helper()
	v.want(severalNow, name)
	v.want(severalNow+"login?as=again", "again")
	v.want(severalNow, "again")
	v.want(severalNow+"logout", "")
	v.want(severalNow, "")
	v.wantSent(severalNow, 0)
}

func TestHTTPTheCookieOfTheSessionThatLivesCounts(t *testing.T) {
	t.Run("beside one of a tombstone", func(t *testing.T) {
		eachChange(t, func(t *testing.T, site *severalSite, v *severalBrowser) {
			v.want(severalNow+"login?as=now", "now")
			v.wantSent(severalNow, 2)
			thenLogout(v, "now")
			if n := site.log.count(slog.LevelWarn); n != 0 {
				t.Errorf("%d lines logged", n)
			}
		})
	})
	t.Run("beside one of a session that has expired", func(t *testing.T) {
		eachChange(t, func(t *testing.T, site *severalSite, v *severalBrowser) {
			site.forget(t)
			v.want(severalNow+"login?as=now", "now")
			v.wantSent(severalNow, 2)
			thenLogout(v, "now")
			if n := site.log.count(slog.LevelWarn); n != 0 {
				t.Errorf("%d lines logged", n)
			}
		})
	})
	t.Run("beside one of a record that cannot be read", func(t *testing.T) {
		eachChange(t, func(t *testing.T, site *severalSite, v *severalBrowser) {
			site.spoil(t)
			old := v.jar.kept
			v.jar.kept = nil
			v.want(severalNow+"login?as=now", "now")
			v.jar.kept = append(v.jar.kept, old...)
			thenLogout(v, "now")
		})
	})
}

func TestHTTPOfSeveralSessionsThatLiveNoneIsServed(t *testing.T) {
	eachLive(t, func(t *testing.T, site *severalSite, v *severalBrowser) {
		for range 3 {
			v.want(severalNow, "")
		}
		if n := site.log.count(slog.LevelError); n != 1 {
			t.Errorf("%d lines logged; want 1", n)
		}
		line := site.log.last()
		for _, want := range []string{"several live sessions", "Name", "Domain", "Path", "Partitioned", "subdomain"} {
			if !strings.Contains(line, want) {
				t.Errorf("%q is not in %q", want, line)
			}
		}
	})
}

func TestHTTPALoginEndsTheSessionsThatLiveBesideIt(t *testing.T) {
	for _, verb := range []string{"login", "set"} {
		t.Run(verb, func(t *testing.T) {
			eachLive(t, func(t *testing.T, _ *severalSite, v *severalBrowser) {
				before := slices.Clone(v.jar.kept)
				v.want(severalNow+verb+"?as=again", "again")
				v.want(severalNow, "again")
				v.wantSent(severalNow, 1)
				v.jar.kept = append(v.jar.kept, before...)
				v.want(severalNow, "again") // whatever cookies the browser has kept
				v.jar.kept = slices.Clone(before[:1])
				v.want(severalNow, "")
				v.want(severalOld, "")
				v.jar.kept = before[1:]
				v.want(severalNow, "")
				v.want(severalOld, "")
			})
		})
	}
}

func TestHTTPALogoutEndsEverySessionWhoseCookieCame(t *testing.T) {
	eachLive(t, func(t *testing.T, _ *severalSite, v *severalBrowser) {
		before := slices.Clone(v.jar.kept)
		v.want(severalNow+"logout", "")
		v.want(severalNow, "")
		v.wantSent(severalNow, 0)
		for _, one := range before {
			v.jar.kept = []scopedCookie{one}
			v.want(severalNow, "")
			v.want(severalOld, "")
		}
	})
}

// forget deletes every session, as if it had expired.
func (s *severalSite) forget(t *testing.T) {
	t.Helper()
	for rec := range s.records(t) {
		if err := s.store.Provider.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// spoil makes every session unreadable.
func (s *severalSite) spoil(t *testing.T) {
	t.Helper()
	for rec := range s.records(t) {
		rec.Data = []byte("spoiled")
		if err := s.store.Provider.Save(t.Context(), rec, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// records returns the records in the store.
func (s *severalSite) records(t *testing.T) iter.Seq[*provider.Record] {
	t.Helper()
	var all []*provider.Record
	for rec, err := range provider.List(t.Context(), s.store.Provider, "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	return slices.Values(all)
}

func TestHTTPMoreCookiesThanAreLookedAtLockNobodyOut(t *testing.T) {
	for _, first := range []string{"login", "logout"} {
		site := newSeveral(t, session.Cookie{}, session.Cookie{})
		v := site.browser(t)
		v.want(severalNow+"login?as=before", "before")
		for _, host := range []string{"www.shop.example.org", "shop.example.org", "example.org"} {
			for _, path := range []string{"/", "/shop"} {
				for _, partitioned := range []bool{false, true} {
					v.jar.kept = append(v.jar.kept, scopedCookie{name: "sid", host: host, path: path, partitioned: partitioned, value: "forged"})
				}
			}
		}
		v.wantSent(severalNow, 13)
		v.want(severalNow, "")
		if first == "login" {
			v.want(severalNow+"login?as=again", "again")
			v.wantSent(severalNow, 1)
			v.want(severalNow, "again")
		}
		v.want(severalNow+"logout", "")
		v.wantSent(severalNow, 0)
		if n := site.log.count(slog.LevelError); n != 1 {
			t.Errorf("%d lines logged; want 1", n)
		}
	}
}
