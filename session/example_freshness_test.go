package session_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Only a user who has typed the password in the last five minutes may change it. Others
// are sent to type it again.
func ExampleManager_RequireFresh() {
	sessions := must(session.New(memory.New(), session.Config{}))
	change := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "the password is changed") // and stored here
	})
	askAgain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "please type your password again", http.StatusForbidden)
	})
	mux := http.NewServeMux()
	mux.Handle("POST /password", sessions.RequireFresh(5*time.Minute, change, askAgain))
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// check the password here
		s.Renew()
		s.SetOwner("ann")
	}))

	ann := newBrowser(mux)
	ann.send("POST /password")
	ann.send("POST /login")
	ann.send("POST /password")
	// Output:
	// POST /password: 403 please type your password again
	// POST /login: 200
	// POST /password: 200 the password is changed
}

// A page that shows when the user has signed in.
func ExampleSession_AuthenticatedAt() {
	sessions := must(session.New(memory.New(), session.Config{}))
	cart := session.NewKey[string]("cart")
	mux := http.NewServeMux()
	mux.Handle("POST /cart", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Set(s, "tea")
	}))
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if at := s.AuthenticatedAt(); at.IsZero() {
			fmt.Fprint(w, "never signed in")
		} else {
			fmt.Fprint(w, "signed in ", time.Since(at).Round(time.Hour), " ago")
		}
	}))

	ann := newBrowser(mux)
	ann.send("POST /cart")
	ann.send("GET /")
	ann.send("POST /login")
	ann.send("GET /")
	// Output:
	// POST /cart: 200
	// GET /: 200 never signed in
	// POST /login: 200
	// GET /: 200 signed in 0s ago
}

// An administrator's session ends after ten minutes without use, and after four hours in
// any case.
func ExampleSession_SetLimits() {
	sessions := must(session.New(memory.New(), session.Config{}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner(r.FormValue("user"))
		if s.Owner() == "root" {
			s.SetLimits(10*time.Minute, 4*time.Hour)
		}
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprint(w, "ends in ", time.Until(s.ExpiresAt()).Round(time.Minute))
	}))

	root, ann := newBrowser(mux), newBrowser(mux)
	root.send("POST /login?user=root")
	root.send("GET /")
	ann.send("POST /login?user=ann")
	ann.send("GET /")
	// Output:
	// POST /login?user=root: 200
	// GET /: 200 ends in 10m0s
	// POST /login?user=ann: 200
	// GET /: 200 ends in 1h0m0s
}

// A device list shows when each session began and was last used.
func ExampleSession_LastSeenAt() {
	sessions := must(session.New(memory.New(), session.Config{}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		since := func(t time.Time) time.Duration { return time.Since(t).Round(time.Hour) }
		fmt.Fprintf(w, "began %v ago, last used %v ago", since(s.CreatedAt()), since(s.LastSeenAt()))
	}))

	ann := newBrowser(mux)
	ann.send("POST /login")
	ann.send("GET /")
	// Output:
	// POST /login: 200
	// GET /: 200 began 0s ago, last used 0s ago
}
