package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// A user's sessions are listed, changed and ended from another instance than that
// which began them, on every store, one written by hand among them.
func TestOwners(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
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
	ok("Check", old.Check(t.Context()))
	ok("Update", office.Update(t.Context(), old.PublicID(), func(s *session.Session) error {
		device.Set(s, "ann's phone")
		return nil
	}))
	want("ann's phone", "laptop")
	ok("Revoke", office.Revoke(t.Context(), old.PublicID()))
	if err := old.Check(t.Context()); !errors.Is(err, session.ErrEnded) {
		t.Errorf("Check after Revoke: %v", err)
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

// reset fails the nth Save from now on with a connection reset, which reaches the
// store before or does not.
type reset struct {
	provider.Provider
	left  atomic.Int64
	lands bool
}

func (r *reset) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if r.left.Add(-1) != 0 {
		return r.Provider.Save(ctx, rec, expectVersion)
	}
	if r.lands {
		if err := r.Provider.Save(ctx, rec, expectVersion); err != nil {
			return err
		}
	}
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

// A login of which one save fails does not lock the user out who may have one session:
// it works itself, and each login after it is refused only for a session that lives.
func TestOwnerLimitAndAConnectionReset(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		p := s.Instances(t, 1)[0]
		for _, lands := range []bool{false, true} {
			for n := range int64(3) {
				user := fmt.Sprint("ann ", n, lands)
				broken := &reset{Provider: p, lands: lands}
				m := ownersManager(t, broken, func(cfg *session.Config) { cfg.OwnerLimit, cfg.OwnerLimitRefuses = 1, true })
				broken.left.Store(n + 1)
				if w := signIn(m, user, "laptop"); w.Code != http.StatusOK {
					t.Fatalf("save %d, lands %v: the login itself: status %d: %s", n, lands, w.Code, w.Body)
				}
				if all, err := m.Sessions(t.Context(), user); err != nil || len(all) != 1 {
					t.Fatalf("save %d, lands %v: %d sessions, error %v", n, lands, len(all), err)
				}
				if w := signIn(m, user, "phone"); w.Code != http.StatusConflict {
					t.Errorf("save %d, lands %v: one too many: status %d: %s", n, lands, w.Code, w.Body)
				}
				if err := m.RevokeAll(t.Context(), user); err != nil {
					t.Error(err)
				}
				if w := signIn(m, user, "phone"); w.Code != http.StatusOK {
					t.Errorf("save %d, lands %v: after RevokeAll: status %d: %s", n, lands, w.Code, w.Body)
				}
			}
		}
	})
}

// A list of sessions that the store has lost is whole again when each was used.
func TestOwnersListIsLost(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		p := s.Instances(t, 1)[0]
		m := ownersManager(t, p, func(cfg *session.Config) { cfg.TouchInterval = time.Millisecond })
		var cookies []*http.Cookie
		for range 3 {
			cookies = append(cookies, signedIn(t, m, "ann", "laptop"))
		}
		for rec, err := range provider.List(t.Context(), p, "") {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Format != "holdfast-owner-index" {
				continue
			}
			if err := p.Delete(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
		}
		if all, err := m.Sessions(t.Context(), "ann"); err != nil || len(all) != 0 {
			t.Fatalf("%d sessions are listed, error %v", len(all), err)
		}
		listed := 0
		for begin := time.Now(); listed < 3 && time.Since(begin) < patience; { // until TouchInterval is over
			for _, c := range cookies {
				if got := opens(m, c); got != "laptop" {
					t.Fatalf("it is %q", got)
				}
			}
			all, err := m.Sessions(t.Context(), "ann")
			if err != nil {
				t.Fatal(err)
			}
			listed = len(all)
		}
		if listed != 3 {
			t.Errorf("%d sessions are listed after their use", listed)
		}
		if err := m.RevokeAll(t.Context(), "ann"); err != nil {
			t.Error(err)
		}
		for _, c := range cookies {
			if got := opens(m, c); got != "" {
				t.Errorf("after RevokeAll it is %q", got)
			}
		}
	})
}

// A session that is renewed leaves a record that leads to the new one as long as that may
// live.
func TestOldNamesLast(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		p := s.Instances(t, 1)[0]
		m := ownersManager(t, p)
		cookie := signedIn(t, m, "ann", "laptop")
		all, err := m.Sessions(t.Context(), "ann")
		if err != nil || len(all) != 1 {
			t.Fatalf("%d sessions, error %v", len(all), err)
		}
		old := all[0].PublicID()
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.AddCookie(cookie)
		m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Renew() }).ServeHTTP(w, r)
		rec, err := p.Fetch(t.Context(), old)
		if err != nil || time.Until(rec.ExpiresAt) < 23*time.Hour {
			t.Fatalf("the old record is %v, error %v", rec, err)
		}
		if err := m.Revoke(t.Context(), old); err != nil {
			t.Error(err)
		}
		if got := opens(m, w.Result().Cookies()[0]); got != "" {
			t.Errorf("revoked by its old name it is %q", got)
		}
		if err := m.Revoke(t.Context(), "nonesuch"); !errors.Is(err, session.ErrEnded) {
			t.Errorf("Revoke of nothing: %v", err)
		}
	})
}

func ownersManager(t *testing.T, p provider.Provider, opts ...func(*session.Config)) *session.Manager {
	t.Helper()
	cfg := session.Config{
		SigningKeys:  [][]byte{[]byte("of 32 bytes, and known to anybody")},
		StoreTimeout: patience,
		Cookie:       session.Cookie{Insecure: true},
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	m, err := session.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// signedIn returns the cookie of a session that is the user's.
func signedIn(t *testing.T, m *session.Manager, user, name string) *http.Cookie {
	t.Helper()
	w := signIn(m, user, name)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("signing in: status %d: %s", w.Code, w.Body)
	}
	return cookies[0]
}

func signIn(m *session.Manager, user, name string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner(user)
		device.Set(s, name)
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	return w
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
