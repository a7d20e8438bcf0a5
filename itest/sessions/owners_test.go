package sessions_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/itest/stores"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A user's sessions are listed, changed and ended from another instance than that
// which began them, on every store, one written by hand among them.
func TestOwners(t *testing.T) {
	stores.Each(t, func(t *testing.T, s stores.Store) {
		both := s.Instances(t, 2)
		testOwners(t, both[0], both[1])
	})
	t.Run("filestore", func(t *testing.T) {
		p, err := filestore.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		testOwners(t, p, p)
	})
}

var device = session.NewKey[string]("device")

func testOwners(t *testing.T, p, other provider.Provider) {
	site, office := ownersManager(t, p), ownersManager(t, other)
	laptop, phone := signedIn(t, site, "ann", "laptop"), signedIn(t, site, "ann", "phone")
	bob := signedIn(t, site, "bob", "desk")
	want := func(devices ...string) []*session.Session {
		t.Helper()
		sessions, err := office.Sessions(t.Context(), "ann")
		var got []string
		for _, s := range sessions {
			name, _ := device.Get(s)
			got = append(got, name)
		}
		slices.Sort(got)
		if err != nil || !slices.Equal(got, devices) {
			t.Fatalf("ann has %q, error %v; want %q", got, err, devices)
		}
		return sessions
	}
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	sessions := want("laptop", "phone")
	at := slices.IndexFunc(sessions, func(s *session.Session) bool { name, _ := device.Get(s); return name == "phone" })
	old := sessions[at]
	ok("Alive", old.Alive(t.Context()))
	ok("Update", office.Update(t.Context(), old.Handle(), func(s *session.Session) error {
		device.Set(s, "ann's phone")
		return nil
	}))
	want("ann's phone", "laptop")
	ok("Revoke", office.Revoke(t.Context(), old.Handle()))
	if err := old.Alive(t.Context()); !errors.Is(err, session.ErrGone) {
		t.Errorf("Alive after Revoke: %v", err)
	}
	want("laptop")
	if got := opens(site, phone); got != "" {
		t.Errorf("the phone is still %q", got)
	}
	phone = signedIn(t, site, "ann", "phone")
	ok("RevokeOthers", office.RevokeOthers(t.Context(), want("laptop", "phone")[0]))
	if left := opens(site, laptop) + opens(site, phone); left != "laptop" && left != "phone" {
		t.Errorf("RevokeOthers has left %q", left)
	}
	ok("RevokeAll", office.RevokeAll(t.Context(), "ann"))
	want()
	if left := opens(site, laptop) + opens(site, phone); left != "" {
		t.Errorf("RevokeAll has left %q", left)
	}
	if got := opens(site, bob); got != "desk" {
		t.Errorf("bob is at %q", got)
	}
}

func ownersManager(t *testing.T, p provider.Provider) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.Config{
		SigningKeys:  [][]byte{[]byte("of 32 bytes, and known to anybody")},
		StoreTimeout: patience,
		Cookie:       session.Cookie{Insecure: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// signedIn returns the cookie of a session that is the user's.
func signedIn(t *testing.T, m *session.Manager, user, name string) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner(user)
		device.Set(s, name)
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("signing in: status %d: %s", w.Code, w.Body)
	}
	return cookies[0]
}

// opens returns the device whose session the cookie opens.
func opens(m *session.Manager, cookie *http.Cookie) (name string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(cookie)
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		name, _ = device.Get(s)
	}).ServeHTTP(httptest.NewRecorder(), r)
	return name
}
