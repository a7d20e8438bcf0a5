package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The owner of a session is the user who has signed in.
func ExampleSession_SetOwner() {
	sessions := must(session.New(memory.New(), session.Config{}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// check the password here
		s.Renew()
		s.SetOwner("user 42")
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintf(w, "%q", s.Owner())
	}))

	ann := newBrowser(mux)
	ann.send("GET /")
	ann.send("POST /login")
	ann.send("GET /")
	// Output:
	// GET /: 200 ""
	// POST /login: 200
	// GET /: 200 "user 42"
}

// An operator ends the session whose public ID is in the log.
func ExampleManager_Revoke() {
	sessions := must(session.New(memory.New(), session.Config{}))
	var logged string
	site := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.Method == http.MethodPost {
			s.Renew()
			s.SetOwner("user 42")
			return
		}
		logged = s.PublicID()
		fmt.Fprintf(w, "%q", s.Owner())
	})
	ann := newBrowser(site)
	ann.send("POST /login")
	ann.send("GET /")

	fmt.Println(sessions.Revoke(context.Background(), logged))
	ann.send("GET /")
	err := sessions.Revoke(context.Background(), "unknown")
	fmt.Println("ended before:", errors.Is(err, session.ErrEnded))
	// Output:
	// POST /login: 200
	// GET /: 200 "user 42"
	// <nil>
	// GET /: 200 ""
	// ended before: true
}

// A button that signs the user out on all other devices.
func ExampleManager_RevokeOthers() {
	sessions := must(session.New(memory.New(), session.Config{}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("user 42")
	}))
	mux.Handle("POST /signout-others", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if err := sessions.RevokeOthers(r.Context(), s); err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
		}
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintf(w, "%q", s.Owner())
	}))

	laptop, phone := newBrowser(mux), newBrowser(mux)
	laptop.send("POST /login")
	phone.send("POST /login")
	laptop.send("POST /signout-others")
	laptop.send("GET /")
	phone.send("GET /")
	// Output:
	// POST /login: 200
	// POST /login: 200
	// POST /signout-others: 200
	// GET /: 200 "user 42"
	// GET /: 200 ""
}
