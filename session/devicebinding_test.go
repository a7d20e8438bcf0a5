package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// boundSite is an app whose sessions are bound to devices.
type boundSite struct {
	*http.ServeMux
	m      *session.Manager
	events []session.Event
}

// newBoundSite returns an app on p.
func newBoundSite(t *testing.T, p provider.Provider, cfg session.Config) *boundSite {
	t.Helper()
	site := &boundSite{ServeMux: http.NewServeMux()}
	cfg.SigningKeys = [][]byte{httpSigningKey}
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Observer = func(_ context.Context, e session.Event) { site.events = append(site.events, e) }
	if cfg.DeviceBinding == session.BindingOff {
		cfg.DeviceBinding = session.BindingOffered
	}
	m, err := session.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	site.m = m
	site.Handle("POST /device-binding/", m.DeviceBinding())
	site.handle("/login", func(s *session.Session) {
		keyA.Set(s, 1)
		s.Renew()
	})
	for _, user := range []string{"ann", "bob"} {
		site.handle("/login/"+user, func(s *session.Session) {
			s.SetOwner(user)
			s.Renew()
		})
	}
	site.handle("/renew", func(s *session.Session) { s.Renew() })
	site.handle("/logout", func(s *session.Session) { s.Destroy() })
	site.handle("/own/ann", func(s *session.Session) { s.SetOwner("ann") })
	site.handle("/keep", func(s *session.Session) { s.Persist(30 * 24 * time.Hour) })
	site.handle("/visited", func(s *session.Session) { keyVisited.Set(s, 1) })
	site.handle("/set", func(s *session.Session) { keyB.Set(s, 1) })
	site.handle("/", func(*session.Session) {})
	site.Handle("/pay", m.RequireProof(time.Minute, site.page(func(*session.Session) {}), nil))
	return site
}

// keyVisited is one of which a change may be lost.
var keyVisited = session.NewKey[int]("visited").LastWriteWins()

// handle serves pages that show the session after fn.
func (b *boundSite) handle(path string, fn func(*session.Session)) { b.Handle(path, b.page(fn)) }

func (b *boundSite) page(fn func(*session.Session)) http.Handler {
	return b.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fn(s)
		fmt.Fprintf(w, "%s, %s", show(s), s.Binding().State)
	})
}

// wantPage checks the page that a browser gets.
func (b *boundSite) wantPage(t *testing.T, v *dbsctest.Browser, url, want string) {
	t.Helper()
	if got := textOf(v.Do(b, "GET", url)); got != want {
		t.Errorf("%s: %q; want %q", url, got, want)
	}
}

// offer signs a browser in, and returns the challenge of the registration that it is
// offered and does not complete.
func (b *boundSite) offer(t *testing.T, v *dbsctest.Browser) (challenge string) {
	t.Helper()
	offer := v.Send(b, httptest.NewRequest("GET", "/login", nil)).Header.Get("Secure-Session-Registration")
	_, challenge, found := strings.Cut(strings.TrimSuffix(offer, `"`), `challenge="`)
	if !found {
		t.Fatalf("no offer: %q", offer)
	}
	return challenge
}

// textOf returns the body of a page, or the status of an error.
func textOf(res *http.Response) string {
	if res.StatusCode != http.StatusOK {
		return res.Status
	}
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

// bindingBegun returns an app and a browser that has signed in, whose session is bound.
func bindingBegun(t *testing.T, cfg session.Config) (*boundSite, *dbsctest.Browser) {
	t.Helper()
	site := newBoundSite(t, memory.New(), cfg)
	v := dbsctest.New()
	site.wantPage(t, v, "/login", "a=1, none")
	site.wantPage(t, v, "/", "a=1, bound")
	return site, v
}

func TestALoginIsBoundToTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		for range 3 {
			time.Sleep(11 * time.Minute)
			site.wantPage(t, v, "/", "a=1, bound")
		}
		if n := len(v.Refreshes); n != 3 {
			t.Errorf("%d requests for a refresh; want 3, as each answer has the next challenge", n)
		}
	})
}

func TestWhatAThiefGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		thief := v.Thief()
		site.wantPage(t, thief, "/", "a=1, bound") // until the next refresh
		if res := thief.Do(site, "GET", "/pay"); res.StatusCode != 200 {
			t.Errorf("a payment right after the proof: %s", res.Status)
		}
		time.Sleep(2 * time.Minute)
		if res := thief.Do(site, "GET", "/pay"); res.StatusCode != http.StatusTemporaryRedirect {
			t.Errorf("a payment without a fresh proof: %s", res.Status)
		}
		if res := thief.Do(site, "GET", "/pay"); res.StatusCode != http.StatusForbidden {
			t.Errorf("the redirected payment: %s", res.Status)
		}
		thief = v.Thief()
		time.Sleep(9 * time.Minute)
		site.wantPage(t, v, "/", "a=1, bound")
		time.Sleep(31 * time.Second)
		site.wantPage(t, thief, "/", "empty, none")
		delete(thief.Cookies, "__Host-session-bound")
		site.wantPage(t, thief, "/", "empty, none")
		site.wantPage(t, thief, "/set", "503 Service Unavailable") // no cookie in place of the session's
		site.wantPage(t, v, "/", "a=1, bound")
		if res := thief.Do(site, "GET", "/logout"); res.StatusCode != 200 {
			t.Errorf("%s", res.Status)
		}
		site.wantPage(t, v, "/", "a=1, bound")
	})
}

func TestAProofOfAnotherKeyIsRefused(t *testing.T) {
	site, v := bindingBegun(t, session.Config{})
	s, thief := v.Sessions[0], v.Thief()
	for name, proof := range map[string]string{
		"another key":        thief.Device.Prove(s.Challenge),
		"another key inside": thief.Device.Register(s.Challenge),
		"its own key inside": v.Device.Register(s.Challenge),
		"another type":       v.Device.Sign("JWT", false, map[string]any{"jti": s.Challenge}),
		"another algorithm":  dbsctest.NewRSADevice(2048).Prove(s.Challenge),
		"none":               "eyJhbGciOiJub25lIiwidHlwIjoiZGJzYytqd3QifQ.eyJqdGkiOiJ4In0.",
		"no JWT":             "proof",
		"too long":           v.Device.Prove(strings.Repeat("x", 9000)),
	} {
		res := thief.Refresh(site, s, proof)
		if res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
			t.Errorf("%s: %s, cookies %v", name, res.Status, res.Cookies())
		}
	}
	site.wantPage(t, v, "/", "a=1, bound")
}

func TestAChallengeCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		s := v.Sessions[0]
		proof := v.Device.Prove(s.Challenge)
		first, again := v.Refresh(site, s, proof), v.Refresh(site, s, proof)
		if a, b := first.Cookies(), again.Cookies(); len(a) != 1 || len(b) != 1 || a[0].Value != b[0].Value {
			t.Errorf("the same proof twice: %v, %v; want the same token", a, b)
		}
		time.Sleep(31 * time.Second)
		if res := v.Refresh(site, s, proof); res.StatusCode != http.StatusForbidden || res.Header.Get("Secure-Session-Challenge") == "" {
			t.Errorf("half a minute later: %s %v", res.Status, res.Header)
		}
		if res := v.Refresh(site, s, v.Device.Prove(s.Challenge)); res.StatusCode != 200 {
			t.Errorf("the new challenge: %s", res.Status)
		}
	})
}

func TestOldChallengesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{IdleTimeout: 5 * time.Hour})
		s := v.Sessions[0]
		time.Sleep(16 * time.Minute)
		if res := v.Refresh(site, s, v.Device.Prove(s.Challenge)); res.StatusCode != http.StatusForbidden {
			t.Errorf("a challenge of 16 minutes ago: %s", res.Status)
		}
		other := dbsctest.New()
		other.Do(site, "GET", "/login")
		if res := v.Refresh(site, s, v.Device.Prove(other.Sessions[0].Challenge)); res.StatusCode != http.StatusForbidden {
			t.Errorf("a challenge of another session: %s", res.Status)
		}
	})
}

func TestTheFirstKeyStays(t *testing.T) {
	site := newBoundSite(t, memory.New(), session.Config{})
	v := dbsctest.New()
	challenge := site.offer(t, v)
	proof := v.Device.Register(challenge)
	first := v.Register(site, registerPath, proof)
	again := v.Register(site, registerPath, proof)
	if a, b := first.Cookies(), again.Cookies(); len(a) != 1 || len(b) != 1 || a[0].Value != b[0].Value {
		t.Errorf("the same key twice: %s, %s", first.Status, again.Status)
	}
	thief := v.Thief()
	if res := thief.Register(site, registerPath, thief.Device.Register(challenge)); res.StatusCode != http.StatusConflict || len(res.Cookies()) != 0 {
		t.Errorf("another key: %s", res.Status)
	}
	if res := thief.Register(site, registerPath, thief.Device.Register(v.Sessions[0].Challenge)); res.StatusCode != http.StatusForbidden {
		t.Errorf("another key with the challenge of a refresh: %s", res.Status)
	}
	site.wantPage(t, v, "/", "a=1, bound")
}

func TestRegistrationNeedsTheCookieAndTheChallenge(t *testing.T) {
	site := newBoundSite(t, memory.New(), session.Config{})
	v, other := dbsctest.New(), dbsctest.New()
	challenge := site.offer(t, v)
	if res := other.Register(site, registerPath, other.Device.Register(challenge)); res.StatusCode != http.StatusConflict {
		t.Errorf("without the cookie: %s", res.Status)
	}
	other.Send(site, httptest.NewRequest("GET", "/login", nil))
	if res := other.Register(site, registerPath, other.Device.Register(challenge)); res.StatusCode != http.StatusForbidden {
		t.Errorf("with the cookie of another session: %s", res.Status)
	}
	if res := v.Register(site, registerPath, v.Device.Register("guess")); res.StatusCode != http.StatusForbidden {
		t.Errorf("without the challenge: %s", res.Status)
	}
	site.wantPage(t, v, "/", "a=1, pending")
}

func TestTheOfferEnds(t *testing.T) {
	for policy, want := range map[session.DeviceBinding]string{session.BindingOffered: "a=1, none", session.BindingRequired: "empty, none"} {
		synctest.Test(t, func(t *testing.T) {
			site := newBoundSite(t, memory.New(), session.Config{DeviceBinding: policy})
			v := dbsctest.New()
			challenge := site.offer(t, v)
			site.wantPage(t, v, "/", "a=1, pending")
			time.Sleep(time.Minute)
			site.wantPage(t, v, "/", want)
			if res := v.Register(site, registerPath, v.Device.Register(challenge)); res.StatusCode != http.StatusConflict {
				t.Errorf("a late registration: %s", res.Status)
			}
		})
	}
}

// A browser that does not know the protocol stays signed in, unless that is required.
func TestABrowserWithoutDeviceBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newBoundSite(t, memory.New(), session.Config{})
		v := dbsctest.New()
		v.Device = nil
		site.wantPage(t, v, "/login", "a=1, none")
		for range 5 {
			time.Sleep(30 * time.Minute)
			site.wantPage(t, v, "/set", "a=1 b=1, none")
		}
	})
}

// What fails at the server, or at the browser, signs nobody out.
func TestARefreshThatFailsSignsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		time.Sleep(11 * time.Minute)
		v.Skip = "quota_exceeded"
		site.wantPage(t, v, "/", "503 Service Unavailable")
		site.wantPage(t, v, "/set", "503 Service Unavailable")
		v.Skip = ""
		site.wantPage(t, v, "/", "a=1, bound")
	})
}

// Renew takes the binding along: the browser goes on with the key that it has.
func TestARenewedSessionStaysBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		for range 3 {
			if res := v.Do(site, "GET", "/renew"); res.Header.Get("Secure-Session-Registration") != "" {
				t.Error("the browser is asked to register another key")
			}
			site.wantPage(t, v, "/", "a=1, bound")
			time.Sleep(11 * time.Minute)
			site.wantPage(t, v, "/", "a=1, bound")
		}
		if len(v.Sessions) != 1 {
			t.Errorf("the browser has %d sessions", len(v.Sessions))
		}
	})
}

// A user who signs in over the session of another registers a key again: the one before may
// be that of an attacker who has planted his cookies.
func TestAnotherUserRegistersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newBoundSite(t, memory.New(), session.Config{DeviceBinding: session.BindingRequired})
		v, attacker := dbsctest.New(), dbsctest.New()
		attacker.Do(site, "GET", "/login/ann")
		v.Cookies = attacker.Thief().Cookies
		for range 2 {
			site.wantPage(t, v, "/login/bob", "empty, bound")
			site.wantPage(t, v, "/", "empty, bound")
		}
		if len(v.Sessions) != 1 {
			t.Errorf("the browser has registered %d keys; want 1", len(v.Sessions))
		}
		time.Sleep(11 * time.Minute)
		site.wantPage(t, v, "/", "empty, bound")
		site.wantPage(t, attacker, "/", "empty, none")
	})
}

func TestRequireProofRedirectsToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		pay := http.StripPrefix("/shop", site.m.RequireProof(time.Minute, http.NotFoundHandler(), nil))
		time.Sleep(2 * time.Minute)
		for path, want := range map[string]string{
			"/shop/pay?to=bob":              "/shop/pay?to=bob",
			"https://example.com/shop/pay?": "/shop/pay?",
			"/shop//evil.example/pay":       "/shop//evil.example/pay",
		} {
			if got := v.Send(pay, httptest.NewRequest("POST", path, nil)).Header.Get("Location"); got != want {
				t.Errorf("%s: redirected to %q; want %q", path, got, want)
			}
			v.Do(site, "GET", "/") // for another bound cookie
			time.Sleep(2 * time.Minute)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI, r.URL.Path = "//evil.example/pay", "//evil.example/pay"
		plain := site.m.RequireProof(time.Minute, http.NotFoundHandler(), nil)
		if got := v.Send(plain, r).Header.Get("Location"); got != "/.//evil.example/pay" {
			t.Errorf("redirected to %q", got)
		}
	})
}

func TestTheBindingEndsWithTheSession(t *testing.T) {
	for name, end := range map[string]func(*boundSite, *dbsctest.Browser) error{
		"logout": func(site *boundSite, v *dbsctest.Browser) error { v.Do(site, "GET", "/logout"); return nil },
		"revoke": func(site *boundSite, v *dbsctest.Browser) error { return site.m.Revoke(t.Context(), v.Sessions[0].ID) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site, v := bindingBegun(t, session.Config{})
				s := v.Sessions[0]
				if err := end(site, v); err != nil {
					t.Fatal(err)
				}
				res := v.Refresh(site, s, v.Device.Prove(s.Challenge))
				if res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
					t.Errorf("a refresh afterwards: %s, %v", res.Status, res.Cookies())
				}
				time.Sleep(time.Minute)
				site.wantPage(t, v, "/", "empty, none")
				site.wantPage(t, v, "/login", "a=1, none")
				site.wantPage(t, v, "/", "a=1, bound")
				if len(v.Sessions) == 2 { // the old one ends at its next refresh, and takes nothing along
					v.Refresh(site, s, v.Device.Prove(s.Challenge))
					site.wantPage(t, v, "/", "a=1, bound")
				}
			})
		})
	}
}

func TestALogoutClearsTheBoundCookie(t *testing.T) {
	site, v := bindingBegun(t, session.Config{})
	v.Do(site, "GET", "/logout")
	if len(v.Cookies) != 0 {
		t.Errorf("the browser keeps %v", v.Cookies)
	}
}

// A client that sends its token in a header has no key, and is offered no binding.
func TestATokenInAHeaderIsNotBound(t *testing.T) {
	site := newBoundSite(t, memory.New(), session.Config{Header: "X-Session-Token", DeviceBinding: session.BindingRequired})
	send := func(token, path string) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("X-Session-Token", token)
		return dbsctest.New().Send(site, r)
	}
	login := send("", "/login")
	if offer := login.Header.Get("Secure-Session-Registration"); offer != "" {
		t.Errorf("offered: %s", offer)
	}
	if got := textOf(send(login.Header.Get("X-Session-Token"), "/")); got != "a=1, none" {
		t.Error(got)
	}
	v := dbsctest.New() // the token of a bound session opens nothing in a header
	v.Do(site, "GET", "/login")
	if got := textOf(send(v.Cookies["__Host-session"].Value, "/")); got != "empty, none" {
		t.Error(got)
	}
}

// A refresh does not count as use of the session.
func TestARefreshDoesNotExtendTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{IdleTimeout: time.Hour})
		s := v.Sessions[0]
		for range 7 {
			time.Sleep(9 * time.Minute)
			v.Refresh(site, s, v.Device.Prove(s.Challenge))
		}
		site.wantPage(t, v, "/", "empty, none")
	})
}

func TestEventsOfTheBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		thief := v.Thief()
		time.Sleep(16 * time.Minute)
		site.wantPage(t, v, "/", "a=1, bound")
		site.wantPage(t, thief, "/", "empty, none")
		var got []string
		for _, e := range site.events {
			if e.Op == session.OpBind || e.Op == session.OpProve || errors.Is(e.Err, session.ErrUnproven) {
				got = append(got, fmt.Sprintf("%s %s", e.Op, e.Outcome()))
				if e.PublicID == "" {
					t.Errorf("%+v names no session", e)
				}
			}
		}
		if want := "bind ok, prove challenged, prove ok, load unproven"; strings.Join(got, ", ") != want {
			t.Errorf("%v; want %s", got, want)
		}
	})
}

func TestBindingConfig(t *testing.T) {
	for name, cfg := range map[string]session.Config{
		"a value that is none": {DeviceBinding: 3},
		"HeaderOnly":           {DeviceBinding: session.BindingOffered, Header: "Authorization", HeaderOnly: true},
		"a URL":                {DeviceBinding: session.BindingOffered, DeviceBindingPath: "https://example.com/"},
		"a quote in the path":  {DeviceBinding: session.BindingOffered, DeviceBindingPath: `/a"b`},
		"a short interval":     {DeviceBinding: session.BindingOffered, DeviceBindingInterval: time.Minute},
		"a long deadline":      {DeviceBinding: session.BindingOffered, DeviceBindingDeadline: 2 * time.Hour},
	} {
		if _, err := session.New(memory.New(), cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
