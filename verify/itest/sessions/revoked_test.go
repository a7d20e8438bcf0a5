package sessions_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

var formToken = session.NewKey[int]("form")

// A visitor whose session was revoked opens the login page, which stores a CSRF token,
// posts it, and is signed in: at the first try, on every store, whichever of two
// instances answers.
func TestARevokedVisitorSignsInAtTheFirstTry(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		both := s.Instances(t, 2)
		site, office := ownersManager(t, both[0]), ownersManager(t, both[1])
		old := signedIn(t, site, "ann", "laptop")
		if err := office.RevokeAll(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}

		page := ask(site, http.MethodGet, old, func(s *session.Session) { formToken.Set(s, 7) })
		if page.Code != http.StatusOK || len(page.Result().Cookies()) != 1 {
			t.Fatalf("the login page: status %d, cookies %v: %s", page.Code, page.Result().Cookies(), page.Body)
		}
		login := ask(office, http.MethodPost, page.Result().Cookies()[0], func(s *session.Session) {
			if token, ok := formToken.Get(s); !ok || token != 7 {
				t.Errorf("the token is %d, %v", token, ok)
			}
			s.Renew()
			s.SetOwner("ann")
			device.Set(s, "laptop")
		})
		if login.Code != http.StatusOK || len(login.Result().Cookies()) != 1 {
			t.Fatalf("the login: status %d, cookies %v: %s", login.Code, login.Result().Cookies(), login.Body)
		}
		if got := opens(site, login.Result().Cookies()[0]); got != "laptop" {
			t.Errorf("the new cookie opens %q", got)
		}
	})
}

// Of the requests of a page that meet a revoked session at once, on two instances, one
// begins the new session and sets the cookie.
func TestOneOfParallelRequestsFollowsARevocation(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		var managers []*session.Manager
		for _, p := range s.Instances(t, 2) {
			managers = append(managers, ownersManager(t, p))
		}
		for range *rounds {
			old := signedIn(t, managers[0], "ann", "laptop")
			if err := managers[1].RevokeAll(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
			var answers [8]*httptest.ResponseRecorder
			var loaded, all sync.WaitGroup
			loaded.Add(len(answers))
			for i := range answers {
				all.Go(func() {
					answers[i] = ask(managers[i%2], http.MethodPost, old, func(s *session.Session) {
						loaded.Done()
						loaded.Wait()
						formToken.Set(s, i)
					})
				})
			}
			all.Wait()
			begun := 0
			for _, a := range answers {
				switch cookies := a.Result().Cookies(); {
				case a.Code == http.StatusOK && len(cookies) == 1:
					begun++
				case a.Code != http.StatusConflict || len(cookies) != 0:
					t.Errorf("status %d, cookies %v: %s", a.Code, cookies, a.Body)
				}
			}
			if begun != 1 {
				t.Errorf("%d requests have begun a session", begun)
			}
		}
	})
}

// ask sends a request with a cookie.
func ask(m *session.Manager, method string, cookie *http.Cookie, do func(*session.Session)) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/", nil)
	r.AddCookie(cookie)
	m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { do(s) }).ServeHTTP(w, r)
	return w
}
