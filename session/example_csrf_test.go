package session_test

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var csrfToken = session.NewKey[string]("csrf token")

// validCSRF reports whether the form has the token of its session.
func validCSRF(r *http.Request, s *session.Session) bool {
	want, ok := csrfToken.Get(s)
	return ok && subtle.ConstantTimeCompare([]byte(r.FormValue("csrf")), []byte(want)) == 1
}

// A CSRF token is made with the first page that needs it, and is the same for all pages
// of the session. Parallel pages all carry the token that is stored, since HandlerFunc
// runs a GET again that meets a conflict. A login sets another token, so that a token
// from before the login is no longer valid.
//
// To keep out nothing but cross-site requests of browsers, http.CrossOriginProtection
// needs no token.
func ExampleKey_GetOrSet() {
	sessions := must(session.New(memory.New(), session.Config{}))
	browser := newBrowser(nil)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		session.NewKey[bool]("seen").Set(s, true)
	}))
	mux.HandleFunc("GET /form/{n}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		token := csrfToken.GetOrSet(s, rand.Text)
		browser.overtake() // by the form in the other tab
		browser.remember(r.PathValue("n"), token)
		fmt.Fprintf(w, "<input type=hidden name=csrf value=…>")
	}))
	mux.HandleFunc("POST /send", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if !validCSRF(r, s) {
			http.Error(w, "please load the page again", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "sent")
	}))
	mux.HandleFunc("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if !validCSRF(r, s) {
			http.Error(w, "please load the page again", http.StatusForbidden)
			return
		}
		s.Renew()
		csrfToken.Delete(s)
		fmt.Fprint(w, "signed in")
	}))
	browser.site = sessions.Handler(mux)

	browser.send("GET /")
	browser.race("GET /form/1", "GET /form/2")
	browser.post("/send", "1")
	browser.post("/send", "2")
	browser.post("/login", "1")
	browser.post("/send", "1")
	// Output:
	// GET /: 200
	// GET /form/2: 200 <input type=hidden name=csrf value=…>
	// GET /form/1: 200 <input type=hidden name=csrf value=…>
	// POST /send with the token of form 1: 200 sent
	// POST /send with the token of form 2: 200 sent
	// POST /login with the token of form 1: 200 signed in
	// POST /send with the token of form 1: 403 please load the page again
}
