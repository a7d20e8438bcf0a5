package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A browser refreshes by the ID of its registration. The way from there to the session lasts
// as long as the session, whatever becomes of that.
func TestTheWayToARenewedSession(t *testing.T) {
	for name, tc := range map[string]struct {
		visits []string      // one each 20 hours
		then   time.Duration // until the next visit
	}{
		"renewed once":                  {[]string{"/renew"}, 23 * time.Hour},
		"renewed twice":                 {[]string{"/renew", "/renew"}, 23 * time.Hour},
		"renewed five times":            {[]string{"/renew", "/renew", "/renew", "/renew", "/renew"}, 23 * time.Hour},
		"kept, and renewed twice":       {[]string{"/keep", "/renew", "/renew"}, 29 * day},
		"renewed, and kept later":       {[]string{"/renew", "/keep"}, 29 * day},
		"renewed twice, and kept later": {[]string{"/renew", "/renew", "/keep"}, 29 * day},
		"renewed, kept and renewed":     {[]string{"/renew", "/keep", "/renew"}, 29 * day},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site, v := bindingBegun(t, session.Config{IdleTimeout: day, PersistIdleTimeout: 30 * day})
				for _, path := range tc.visits {
					time.Sleep(20 * time.Hour)
					wantStatus(t, path, v.Do(site, "GET", path), 200)
				}
				time.Sleep(tc.then)
				site.wantPage(t, v, "/", "a=1, bound")
				if len(v.Sessions) != 1 {
					t.Errorf("the browser has %d sessions; want 1", len(v.Sessions))
				}
			})
		})
	}
}

// However often the session was renewed, a refresh reads three records at most.
func TestARefreshTakesTheShortWay(t *testing.T) {
	var fetches int
	store := &storetest.Store{Provider: memory.New()}
	store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		fetches++
		return next(ctx, id)
	}
	site, v := newBoundSite(t, store, session.Config{StoreTimeout: patience}), dbsctest.New()
	v.Do(site, "GET", "/login")
	for range 5 {
		site.wantPage(t, v, "/renew", "a=1, bound")
	}
	s := v.Sessions[0]
	fetches = 0
	wantStatus(t, "the refresh", v.Refresh(site, s, v.Device.Prove(s.Challenge)), 200)
	if fetches > 3 {
		t.Errorf("the refresh has read %d records", fetches)
	}
}

// A renewal that cannot keep the way from the registration changes nothing.
func TestARenewalWithoutTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newBoundFleet(t)
		v, s := f.bound(t)
		f.a.wantPage(t, v, "/renew", "a=1, bound")
		time.Sleep(time.Second) // for a later end, which the tombstone does not have yet
		f.before = func() {     // the save of the tombstone, and no other one
			f.err = provider.ErrRefused
			f.before = func() { f.err = nil }
		}
		if res := v.Do(f.a, "GET", "/renew"); res.StatusCode != http.StatusServiceUnavailable || len(res.Cookies()) != 0 {
			t.Errorf("%s, cookies %v; want 503 and none", res.Status, res.Cookies())
		}
		f.before, f.err = nil, nil
		f.b.wantPage(t, v, "/", "a=1, bound")
		wantStatus(t, "the refresh", v.Refresh(f.a, s, v.Device.Prove(s.Challenge)), 200)
	})
}

// A revocation by the ID of the registration ends the session, also after many renewals.
func TestRevokeByTheIDOfTheRegistration(t *testing.T) {
	site, v := bindingBegun(t, session.Config{})
	for range 3 {
		site.wantPage(t, v, "/renew", "a=1, bound")
	}
	if err := site.m.Revoke(t.Context(), v.Sessions[0].ID); err != nil {
		t.Fatal(err)
	}
	site.wantPage(t, v, "/", "empty, none")
}

// A bound session that gets another owner has to be bound again: its key may be that of an
// attacker who has planted his cookies.
func TestAnotherOwnerWithoutARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, attacker := bindingBegun(t, session.Config{DeviceBinding: session.BindingRequired})
		v := dbsctest.New()
		v.Cookies = attacker.Thief().Cookies
		s := attacker.Sessions[0]
		for range 2 { // the second time, there is nothing to change
			site.wantPage(t, v, "/own/ann", "a=1, bound")
			if len(v.Sessions) != 1 {
				t.Fatalf("the browser has registered %d keys; want 1", len(v.Sessions))
			}
			site.wantPage(t, v, "/", "a=1, bound")
		}
		wantStatus(t, "a refresh with the key before", attacker.Refresh(site, s, attacker.Device.Prove(s.Challenge)), http.StatusUnauthorized)
		time.Sleep(31 * time.Second)
		site.wantPage(t, attacker, "/", "empty, none")
		time.Sleep(11 * time.Minute)
		site.wantPage(t, v, "/", "a=1, bound")
	})
}

// Outside of a request, nobody can be asked for another key.
func TestAnotherOwnerOutsideOfARequest(t *testing.T) {
	own := func(m *session.Manager, id, owner string) error {
		return m.Update(t.Context(), id, func(s *session.Session) error {
			keyB.Set(s, 2)
			s.SetOwner(owner)
			return nil
		})
	}
	store := memory.New()
	site, v := newBoundSite(t, store, session.Config{}), dbsctest.New()
	v.Do(site, "GET", "/login/ann")
	site.wantPage(t, v, "/", "empty, bound")
	id := v.Sessions[0].ID
	if err := own(site.m, id, "bob"); !errors.Is(err, session.ErrHeaderSent) {
		t.Errorf("another owner: %v; want ErrHeaderSent", err)
	}
	if err := own(site.m, id, "ann"); err != nil {
		t.Errorf("the same owner: %v", err)
	}
	site.wantPage(t, v, "/", "b=2, bound")

	off := newManager(t, store, session.Config{SigningKeys: [][]byte{httpSigningKey}})
	if err := own(off, id, "bob"); err != nil {
		t.Errorf("without device binding: %v", err)
	}
	site.wantPage(t, v, "/", "b=2, none") // the key of ann is gone
}

// The proof says which endpoint it is for, if the browser is one that says so.
func TestAProofForAnotherEndpoint(t *testing.T) {
	site, v := bindingBegun(t, session.Config{DeviceBindingPath: "/device-binding"})
	s := v.Sessions[0]
	prove := func(path string) string {
		return v.Device.Sign("dbsc+jwt", false, map[string]any{"jti": s.Challenge, "aud": "https://shop.example" + path})
	}
	wantStatus(t, "for the registration", v.Refresh(site, s, prove(registerPath)), http.StatusUnauthorized)
	wantStatus(t, "for the refresh", v.Refresh(site, s, prove("/device-binding/refresh")), 200)
}
