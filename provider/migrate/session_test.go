package migrate_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

// instanceOf returns what an app serves: its signing keys are in the store.
func instanceOf(t *testing.T, p provider.Provider) (*session.Manager, http.Handler) {
	t.Helper()
	m, err := session.New(p, session.Config{Cookie: session.Cookie{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	return m, m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		switch r.URL.Path {
		case "/login":
			s.Renew()
			s.SetOwner("ann")
		case "/logout":
			s.Destroy()
			return
		}
		visits.Update(s, func(n int) int { return n + 1 })
	})
}

// ask sends a request and returns the cookie to go on with.
func ask(t *testing.T, h http.Handler, path string, cookie *http.Cookie) *http.Cookie {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		cookie = c
	}
	return cookie
}

// Sessions, the list of a user's sessions and the signing keys outlive the migration, and
// a logout does, too.
func TestSessionsAreMoved(t *testing.T) {
	s := newPair()
	phases := []func() provider.Provider{
		func() provider.Provider { return s.from },
		func() provider.Provider { return s.open(t, prepare) },
		func() provider.Provider { return s.open(t, move) },
		func() provider.Provider { return s.open(t, move) }, // after MoveAll
		func() provider.Provider { return s.to },
	}
	var cookies, ended []*http.Cookie
	for i, open := range phases {
		m, h := instanceOf(t, open())
		cookies = append(cookies, ask(t, h, "/login", nil))
		gone := ask(t, h, "/login", nil)
		ended = append(ended, gone)
		ask(t, h, "/logout", gone)
		for n, c := range cookies {
			if next := ask(t, h, "/", c); next != c && next.Value != c.Value {
				t.Errorf("phase %d: the session of phase %d was replaced", i, n)
			}
		}
		sessions, err := m.Sessions(t.Context(), "ann")
		if err != nil || len(sessions) != i+1 {
			t.Errorf("phase %d: ann has %d sessions and error %v, want %d", i, len(sessions), err, i+1)
		}
		for _, c := range ended {
			if ss, err := m.Open(t.Context(), c.Value); err != nil || !ss.IsNew() {
				t.Errorf("phase %d: a session that has ended is open, error %v", i, err)
			}
		}
		if i == 2 {
			if _, err := s.open(t, move).MoveAll(t.Context(), migrate.MoveOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	m, _ := instanceOf(t, s.to)
	for n, c := range cookies {
		ss, err := m.Open(t.Context(), c.Value)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := visits.Get(ss); got != len(phases)-n+1 {
			t.Errorf("the session of phase %d has %d visits, want %d", n, got, len(phases)-n+1)
		}
	}
}
