package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A tenant whose contract has ended: everybody who works there is signed out.
func ExampleManager_RevokeBy() {
	sessions := must(session.New(memory.New(), session.Config{}))
	login := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// check the password here
		s.Renew()
		s.SetOwner(r.FormValue("user"))
		s.SetLabel("tenant", r.FormValue("tenant"))
	})
	page := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintf(w, "%q of tenant %q", s.Owner(), s.Label("tenant"))
	})
	mux := http.NewServeMux()
	mux.Handle("POST /login", login)
	mux.Handle("GET /", page)

	ann, bob := newBrowser(mux), newBrowser(mux)
	ann.send("POST /login?user=ann&tenant=acme")
	bob.send("POST /login?user=bob&tenant=other")

	if err := sessions.RevokeBy(context.Background(), "tenant", "acme"); err != nil {
		fmt.Println(err)
	}
	ann.send("GET /")
	bob.send("GET /")
	// Output:
	// POST /login?user=ann&tenant=acme: 200
	// POST /login?user=bob&tenant=other: 200
	// GET /: 200 "" of tenant ""
	// GET /: 200 "bob" of tenant "other"
}

// A user works in one tenant at a time. Only the administrator of the tenant sees who is
// signed in there.
func ExampleSession_SetLabel() {
	sessions := must(session.New(memory.New(), session.Config{}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner(r.FormValue("user"))
		s.SetLabel("tenant", "acme")
	}))
	mux.Handle("POST /switch", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.SetLabel("tenant", "other") // replaces the label
		fmt.Fprint(w, s.Labels())
	}))
	users := func(tenant string) (names []string) {
		for _, s := range must(sessions.SessionsBy(context.Background(), "tenant", tenant)) {
			names = append(names, s.Owner())
		}
		slices.Sort(names)
		return names
	}

	ann, bob := newBrowser(mux), newBrowser(mux)
	ann.send("POST /login?user=ann")
	bob.send("POST /login?user=bob")
	fmt.Println(users("acme"), users("other"))
	bob.send("POST /switch")
	fmt.Println(users("acme"), users("other"))
	// Output:
	// POST /login?user=ann: 200
	// POST /login?user=bob: 200
	// [ann bob] []
	// POST /switch: 200 map[tenant:other]
	// [ann] [bob]
}

// How many people are signed in at a tenant, and since when.
func ExampleManager_SessionsBy() {
	sessions := must(session.New(memory.New(), session.Config{}))
	login := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
		s.SetLabel("tenant", "acme")
	})
	newBrowser(login).send("POST /login")
	newBrowser(login).send("POST /login")

	all, err := sessions.SessionsBy(context.Background(), "tenant", "acme")
	if err != nil {
		fmt.Println(err)
	}
	for _, s := range all {
		fmt.Println(s.Owner(), "of", s.Label("tenant"), "since", time.Since(s.CreatedAt()).Round(time.Hour))
	}
	// Output:
	// POST /login: 200
	// POST /login: 200
	// ann of acme since 0s
	// ann of acme since 0s
}

// After a leak of the signing keys every session is ended.
func ExampleManager_RevokeEverything() {
	sessions := must(session.New(memory.New(), session.Config{
		RevokeEverythingWithin: 10 * time.Second,
		Logger:                 slog.New(slog.DiscardHandler),
	}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintf(w, "%q", s.Owner())
	}))

	ann := newBrowser(mux)
	ann.send("POST /login")
	if err := sessions.RevokeEverything(context.Background()); err != nil {
		fmt.Println(err)
	}
	ann.send("GET /")
	ann.send("POST /login")
	ann.send("GET /")
	// Output:
	// POST /login: 200
	// GET /: 200 ""
	// POST /login: 200
	// GET /: 200 "ann"
}
