package session_test

import (
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

// sameDevice returns a second connection of the same browser: its cookies are copied, so
// answers to it are lost to the first.
func sameDevice(v *dbsctest.Browser) *dbsctest.Browser {
	other := v.Thief()
	other.Device = v.Device
	return other
}

// A thief who tries again and again is behind RequireProof in the half minute after the
// owner's refresh.
func TestReviewRequireProofWithTheTokenBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		thief := v.Thief()
		time.Sleep(5 * time.Minute)
		keep := sameDevice(thief)
		wantStatus(t, "before", keep.Do(site, "GET", "/pay"), http.StatusTemporaryRedirect)
		s := v.Sessions[0]
		wantStatus(t, "the owner's refresh", v.Refresh(site, s, v.Device.Prove(s.Challenge)), 200)
		res := thief.Do(site, "GET", "/pay")
		if res.StatusCode == 200 {
			t.Errorf("the thief, whose token was proven five minutes ago, pays: %s", res.Status)
		}
	})
}

// The browser does not send a cookie of /app to /device-binding/register.
func TestReviewPathCookie(t *testing.T) {
	_, err := session.New(memory.New(), session.Config{
		SigningKeys: [][]byte{httpSigningKey}, Cookie: session.Cookie{Path: "/app"}, DeviceBinding: session.BindingRequired,
	})
	if err == nil {
		t.Error("accepted, though no browser can ever register")
	}
}

// A copy of before the registration serves the session's cookie alone.
func TestReviewReadCacheBeforeTheRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := struct{ provider.Provider }{memory.New()}
		cfg := session.Config{ReadCache: session.ReadCache{MaxStale: 30 * time.Minute}}
		a, b := newBoundSite(t, store, cfg), newBoundSite(t, store, cfg)
		v := dbsctest.New()
		challenge := a.offer(t, v)
		b.wantPage(t, v, "/", "a=1, pending")
		wantStatus(t, "registration", v.Register(a, registerPath, v.Device.Register(challenge)), 200)
		a.wantPage(t, v, "/", "a=1, bound")
		thief := v.Thief()
		delete(thief.Cookies, "__Host-session-bound")
		delete(thief.Cookies, "__Host-session-version")
		time.Sleep(25 * time.Minute)
		a.wantPage(t, thief, "/", "empty, none")
		b.wantPage(t, thief, "/", "empty, none")
	})
}

// An attacker plants the cookies of a bound session without an owner; the victim signs in
// over it.
func TestReviewAPlantedAnonymousSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newBoundSite(t, memory.New(), session.Config{})
		v, attacker := dbsctest.New(), dbsctest.New()
		attacker.Do(site, "GET", "/login") // no owner
		v.Cookies = attacker.Thief().Cookies
		v.Do(site, "GET", "/login/ann")
		if len(v.Sessions) != 1 {
			t.Error("the victim's browser was not asked for a key: the session of ann has the attacker's")
		}
		s := attacker.Sessions[0]
		if res := attacker.Refresh(site, s, attacker.Device.Prove(s.Challenge)); res.StatusCode == 200 {
			t.Error("the attacker refreshes the session of ann")
		}
		time.Sleep(11 * time.Minute)
		site.wantPage(t, v, "/", "a=1, bound")
	})
}

// BindingOff serves bound sessions without a proof, also behind RequireProof.
func TestReviewRequireProofAfterBindingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		site := newBoundSite(t, store, session.Config{})
		v := dbsctest.New()
		v.Do(site, "GET", "/login")
		off, err := session.New(store, session.Config{SigningKeys: [][]byte{httpSigningKey}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		v.Sessions = nil // there are no endpoints any more
		pay := off.RequireProof(time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}), nil)
		for range 3 {
			if res := v.Send(pay, httptest.NewRequest("POST", "/pay", nil)); res.StatusCode == http.StatusTemporaryRedirect {
				t.Errorf("redirected to %s, again and again", res.Header.Get("Location"))
			}
		}
	})
}

// The proof of a registration that somebody has seen gives the present token without the key.
func TestReviewAReplayedRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newBoundSite(t, memory.New(), session.Config{})
		v := dbsctest.New()
		challenge := site.offer(t, v)
		proof := v.Device.Register(challenge)
		wantStatus(t, "registration", v.Register(site, registerPath, proof), 200)
		thief := v.Thief()
		for range 3 {
			time.Sleep(4 * time.Minute)
			s := v.Sessions[0]
			wantStatus(t, "refresh", v.Refresh(site, s, v.Device.Prove(s.Challenge)), 200)
		}
		time.Sleep(2 * time.Minute) // 14 minutes after the offer
		if res := thief.Register(site, registerPath, proof); res.StatusCode == 200 {
			t.Errorf("replayed: %s, cookies %v", res.Status, len(res.Cookies()))
		}
		time.Sleep(10 * time.Minute)
		thief.Sessions = nil
		site.wantPage(t, thief, "/", "empty, none")
	})
}

// After its deadline an offer is not repeated.
func TestReviewOfferAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newBoundSite(t, memory.New(), session.Config{})
		v := dbsctest.New()
		v.Send(site, httptest.NewRequest("GET", "/login", nil))
		time.Sleep(2 * time.Minute)
		if offer := v.Send(site, httptest.NewRequest("GET", "/keep", nil)).Header.Get("Secure-Session-Registration"); offer != "" {
			t.Error("offered, but a registration would be refused")
		}
	})
}

// A sibling subdomain plants its own session and many bound cookies, which come first.
func TestReviewPlantedBoundCookies(t *testing.T) {
	site := newBoundSite(t, memory.New(), session.Config{Cookie: session.Cookie{Name: "__Secure-session"}})
	v, attacker := dbsctest.New(), dbsctest.New()
	v.Do(site, "GET", "/login")
	attacker.Device = nil
	attacker.Do(site, "GET", "/login/bob")
	r := httptest.NewRequest("GET", "/", nil)
	for range 9 {
		r.AddCookie(&http.Cookie{Name: "__Secure-session-bound", Value: "x"})
	}
	planted := r.Clone(t.Context())
	if got := textOf(v.Send(site, r)); got != "a=1, bound" {
		t.Errorf("with planted bound cookies: %q", got)
	}
	planted.AddCookie(attacker.Cookies["__Secure-session"])
	if got := textOf(v.Send(site, planted)); got != "empty, none" {
		t.Errorf("with the session of the attacker, too: %q", got)
	}
}

func TestReviewAnswersAreNotCached(t *testing.T) {
	site, v := bindingBegun(t, session.Config{})
	s := v.Sessions[0]
	for name, res := range map[string]*http.Response{
		"challenge": v.Refresh(site, s, ""), "refused": v.Refresh(site, s, "x"),
		"good": v.Refresh(site, s, v.Device.Prove(s.Challenge)), "registration": v.Register(site, registerPath, "x"),
	} {
		if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("%s: %s Cache-Control %q", name, res.Status, got)
		}
	}
}

// Open has no bound cookie, and serves no bound session.
func TestReviewOpen(t *testing.T) {
	site, v := bindingBegun(t, session.Config{})
	s, err := site.m.Open(t.Context(), v.Cookies["__Host-session"].Value)
	if err != nil || !s.IsNew() {
		t.Errorf("%v", err)
	}
	s.Destroy()
	if _, err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	site.wantPage(t, v, "/", "a=1, bound")
}
