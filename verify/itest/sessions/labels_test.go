package sessions_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// serve runs fn in a request with that cookie.
func serve(m *session.Manager, cookie *http.Cookie, fn func(*session.Session)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.AddCookie(cookie)
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) }).ServeHTTP(w, r)
	return w
}

// labelled begins a session with that tenant and that device, and returns its cookie.
func labelled(t *testing.T, m *session.Manager, tenant, name string) *http.Cookie {
	t.Helper()
	cookie := signedIn(t, m, "ann", name)
	w := serve(m, cookie, func(s *session.Session) {
		s.Renew()
		s.SetLabel("tenant", tenant)
	})
	for _, c := range w.Result().Cookies() {
		return c
	}
	t.Fatalf("status %d: %s", w.Code, w.Body)
	return nil
}

// The sessions of a label are listed and ended from another instance than that which began
// them, on every store.
func TestLabels(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		both := s.Instances(t, 2)
		testLabels(t, both[0], both[1])
	})
}

func testLabels(t *testing.T, p, other provider.Provider) {
	site, office := ownersManager(t, p), ownersManager(t, other)
	one, two := labelled(t, site, "acme", "laptop"), labelled(t, site, "acme", "phone")
	another := labelled(t, site, "other", "desk")
	all, err := office.SessionsBy(t.Context(), "tenant", "acme")
	if err != nil || len(all) != 2 || all[0].Label("tenant") != "acme" {
		t.Fatalf("%d sessions, error %v", len(all), err)
	}
	if err := office.RevokeBy(t.Context(), "tenant", "acme"); err != nil {
		t.Error(err)
	}
	if left := opens(site, one) + opens(site, two); left != "" {
		t.Errorf("RevokeBy has left %q", left)
	}
	if got := opens(site, another); got != "desk" {
		t.Errorf("the other tenant's is %q", got)
	}
}

// RevokeEverything ends every session on another instance by the time when it returns, on
// every store. New sessions live.
func TestRevokeEverything(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		both := s.Instances(t, 2)
		revocable := func(cfg *session.Config) {
			cfg.StoreTimeout, cfg.RevokeEverythingWithin = 3*time.Second, 6*time.Second
		}
		site, office := ownersManager(t, both[0], revocable), ownersManager(t, both[1], revocable)
		cookies := []*http.Cookie{signedIn(t, site, "ann", "laptop"), signedIn(t, office, "bob", "desk")}
		w := serve(site, cookies[0], func(s *session.Session) {
			device.Get(s)
			if err := office.RevokeEverything(t.Context()); err != nil {
				t.Errorf("RevokeEverything: %v", err)
			}
			device.Set(s, "late")
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrEnded) {
				t.Errorf("a save of a request that began before: %v", err)
			}
		})
		if w.Code != http.StatusConflict {
			t.Errorf("its status: %d", w.Code)
		}
		for _, m := range []*session.Manager{site, office} {
			for _, c := range cookies {
				if got := opens(m, c); got != "" {
					t.Errorf("%q lives", got)
				}
			}
		}
		again := signedIn(t, site, "ann", "laptop")
		if got := opens(office, again); got != "laptop" {
			t.Errorf("a new session is %q", got)
		}
	})
}
