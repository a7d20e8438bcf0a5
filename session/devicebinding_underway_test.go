package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// registering returns an app, a browser that has registered a key and sent nothing since,
// and the same browser as its requests were that are under way since before.
func registering(t *testing.T, cfg session.Config) (site *boundSite, v, before *dbsctest.Browser) {
	t.Helper()
	site, v = newBoundSite(t, memory.New(), cfg), dbsctest.New()
	challenge := site.offer(t, v)
	before = sameDevice(v)
	wantStatus(t, "the registration", v.Register(site, registerPath, v.Device.Register(challenge)), 200)
	return site, v, before
}

// wantRefused checks that a request is answered with 503 and no cookie.
func (b *boundSite) wantRefused(t *testing.T, v *dbsctest.Browser, path string) {
	t.Helper()
	res := v.Do(b, "GET", path)
	if res.StatusCode != http.StatusServiceUnavailable || len(res.Cookies()) != 0 {
		t.Errorf("%s: %s, cookies %v; want 503 and none", path, res.Status, res.Cookies())
	}
}

// A request that is under way since before the registration has the session, until the
// browser is known to have the bound cookie.
func TestARequestUnderWayDuringTheRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v, before := registering(t, session.Config{DeviceBinding: session.BindingRequired})
		time.Sleep(29 * time.Second)
		site.wantPage(t, before, "/set", "a=1 b=1, pending")
		site.wantRefused(t, before, "/pay")
		site.wantPage(t, v, "/", "a=1 b=1, bound")

		site.wantPage(t, before, "/", "empty, none")
		site.wantRefused(t, before, "/set")
		res := before.Do(site, "GET", "/visited")
		if res.StatusCode != 200 || len(res.Cookies()) != 0 {
			t.Errorf("a change that may be lost: %s, cookies %v", res.Status, res.Cookies())
		}
		site.wantPage(t, v, "/", "a=1 b=1, bound")
		site.wantPage(t, before, "/login", "a=1, none") // a login always begins a session
	})
}

// If the browser sends nothing with the bound cookie, a thief of the login's cookie has the
// session for half a minute.
func TestARegistrationThatIsNotConfirmed(t *testing.T) {
	for _, policy := range []session.DeviceBinding{session.BindingOffered, session.BindingRequired} {
		synctest.Test(t, func(t *testing.T) {
			site, v, before := registering(t, session.Config{DeviceBinding: policy})
			thief := before.Thief()
			site.wantPage(t, thief, "/renew", "a=1, pending")
			time.Sleep(30 * time.Second)
			site.wantPage(t, thief, "/", "empty, none")
			site.wantPage(t, before, "/set", "b=1, none") // if the answer to the registration was lost
			v.Cookies["__Host-session"] = thief.Cookies["__Host-session"]
			site.wantPage(t, v, "/", "a=1, bound")
		})
	}
}

// A browser that has lost its key can begin another session, once its last bound cookie has
// expired.
func TestABrowserThatHasLostItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		v.Sessions = nil
		time.Sleep(10*time.Minute + 29*time.Second)
		site.wantRefused(t, v, "/set")
		time.Sleep(time.Second)
		site.wantPage(t, v, "/set", "b=1, none")
	})
}

// The browser refreshes its cookie early, and the answer is lost: it goes on with the cookie
// that it has until that expires.
func TestTheAnswerToAnEarlyRefreshIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		thief := v.Thief()
		thief.Cookies["__Host-session-bound"].MaxAge = 0 // it does not obey
		time.Sleep(8 * time.Minute)
		s := v.Sessions[0]
		wantStatus(t, "the early refresh", sameDevice(v).Refresh(site, s, v.Device.Prove(s.Challenge)), 200)
		for range 2 {
			time.Sleep(59 * time.Second)
			site.wantPage(t, v, "/", "a=1, bound")
		}
		time.Sleep(2 * time.Second)
		site.wantPage(t, thief, "/", "a=1, bound") // it has what the browser has
		site.wantPage(t, v, "/", "a=1, bound")     // with a cookie of another refresh
		time.Sleep(30 * time.Second)
		site.wantPage(t, thief, "/", "empty, none")
	})
}

// Once the browser is known to have its new cookie, the one before is good for half a minute.
func TestTheAnswerToAnEarlyRefreshArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := bindingBegun(t, session.Config{})
		thief := v.Thief()
		time.Sleep(8 * time.Minute)
		s := v.Sessions[0]
		wantStatus(t, "the early refresh", v.Refresh(site, s, v.Device.Prove(s.Challenge)), 200)
		site.wantPage(t, v, "/", "a=1, bound")
		time.Sleep(29 * time.Second)
		site.wantPage(t, thief, "/", "a=1, bound")
		time.Sleep(time.Second)
		site.wantPage(t, thief, "/", "empty, none")
	})
}

// An instance whose copy of the session is from before the first request with the bound
// cookie reads the store.
func TestACopyFromBeforeTheFirstToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := struct{ provider.Provider }{memory.New()} // one in the process would need no copies
		cfg := session.Config{ReadCache: session.ReadCache{MaxStale: time.Minute}}
		a, b := newBoundSite(t, store, cfg), newBoundSite(t, store, cfg)
		v := dbsctest.New()
		challenge := a.offer(t, v)
		thief := v.Thief()
		wantStatus(t, "the registration", v.Register(a, registerPath, v.Device.Register(challenge)), 200)
		for range 2 {
			b.wantPage(t, thief, "/", "a=1, pending")
		}
		a.wantPage(t, v, "/", "a=1, bound")
		b.wantPage(t, thief, "/", "empty, none")
	})
}
