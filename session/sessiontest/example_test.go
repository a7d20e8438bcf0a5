package sessiontest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

var cart = session.NewKey[[]string]("cart")

// newShop is the program under test.
func newShop(sessions *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /cart", sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Update(s, func(items []string) []string { return append(items, r.FormValue("item")) })
	}))
	mux.Handle("POST /login", sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner(r.FormValue("user"))
	}))
	mux.Handle("POST /logout", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Destroy()
	}))
	return mux
}

// A test gives the visitor a session, sends a request with its cookie, and looks at what
// the handler has stored.
func ExampleCookie() {
	testAddToCart := func(t *testing.T) {
		sessions := sessiontest.NewManager(t)
		visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) {
			cart.Set(s, []string{"tea"})
		})

		r := httptest.NewRequest("POST", "/cart?item=milk", nil)
		r.AddCookie(visitor)
		w := httptest.NewRecorder()
		newShop(sessions).ServeHTTP(w, r)

		sessiontest.Read(t, sessions, visitor, func(s *session.Session) {
			if got, _ := cart.Get(s); !slices.Equal(got, []string{"tea", "milk"}) {
				t.Errorf("the cart is %v", got)
			}
		})
	}

	runTest(testAddToCart) // in a program: func TestAddToCart(t *testing.T)
	// Output: PASS
}

// A login moves the session to a new cookie.
func ExampleResponse() {
	testLogin := func(t *testing.T) {
		sessions := sessiontest.NewManager(t)
		visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) {
			cart.Set(s, []string{"tea"})
		})

		r := httptest.NewRequest("POST", "/login?user=ann", nil)
		r.AddCookie(visitor)
		w := httptest.NewRecorder()
		newShop(sessions).ServeHTTP(w, r)

		if sessiontest.Alive(t, sessions, visitor) {
			t.Error("the cookie from before the login opens a session")
		}
		user := sessiontest.Response(t, sessions, w.Result())
		sessiontest.Read(t, sessions, user, func(s *session.Session) {
			if got, _ := cart.Get(s); s.Owner() != "ann" || !slices.Equal(got, []string{"tea"}) {
				t.Errorf("the owner is %q, the cart %v", s.Owner(), got)
			}
		})
	}

	runTest(testLogin) // in a program: func TestLogin(t *testing.T)
	// Output: PASS
}

// After a logout the old cookie opens no session, and the browser's cookie is cleared.
func ExampleAlive() {
	testLogout := func(t *testing.T) {
		sessions := sessiontest.NewManager(t)
		user := sessiontest.Cookie(t, sessions, func(s *session.Session) { s.SetOwner("ann") })

		r := httptest.NewRequest("POST", "/logout", nil)
		r.AddCookie(user)
		w := httptest.NewRecorder()
		newShop(sessions).ServeHTTP(w, r)

		if sessiontest.Alive(t, sessions, user) {
			t.Error("the user is still signed in")
		}
		if c := sessiontest.Response(t, sessions, w.Result()); c == nil || c.MaxAge >= 0 {
			t.Errorf("the response sets the cookie %v", c)
		}
	}

	runTest(testLogout) // in a program: func TestLogout(t *testing.T)
	// Output: PASS
}
