package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A list of the user's devices: each sign-in notes its device, and any of them can be
// signed out from any other.
func ExampleManager_Sessions() {
	sessions := must(session.New(memory.New(), session.Config{}))
	device := session.NewKey[string]("device")

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// check the password here
		s.Renew()
		s.SetOwner("user 42")
		device.Set(s, r.FormValue("device"))
	}))
	mux.Handle("GET /devices", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		all, err := sessions.Sessions(r.Context(), s.Owner())
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		var names []string
		for _, one := range all { // the one used last comes first
			name, _ := device.Get(one)
			if one.PublicID() == s.PublicID() {
				name += " (this one)"
			}
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprint(w, strings.Join(names, ", "))
	}))
	mux.Handle("POST /signout", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		all, err := sessions.Sessions(r.Context(), s.Owner())
		for _, one := range all { // Revoke does not check whose session it is
			if name, _ := device.Get(one); name == r.FormValue("device") {
				err = sessions.Revoke(r.Context(), one.PublicID())
			}
		}
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
		}
	}))

	laptop, phone := newBrowser(mux), newBrowser(mux)
	phone.send("POST /login?device=phone")
	laptop.send("POST /login?device=laptop")
	laptop.send("GET /devices")
	laptop.send("POST /signout?device=phone")
	laptop.send("GET /devices")
	phone.send("GET /devices")
	// Output:
	// POST /login?device=phone: 200
	// POST /login?device=laptop: 200
	// GET /devices: 200 laptop (this one), phone
	// POST /signout?device=phone: 200
	// GET /devices: 200 laptop (this one)
	// GET /devices: 200
}

// A new password signs the user out everywhere else; for a lost account everywhere.
func ExampleManager_RevokeAll() {
	sessions := must(session.New(memory.New(), session.Config{}))

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("user 42")
	}))
	mux.Handle("POST /password", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// store the new password first: whoever signs in by the old one until then is
		// revoked
		if err := sessions.RevokeOthers(r.Context(), s); err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		s.Renew()
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintf(w, "%q", s.Owner())
	}))

	laptop, phone := newBrowser(mux), newBrowser(mux)
	laptop.send("POST /login")
	phone.send("POST /login")
	laptop.send("POST /password")
	laptop.send("GET /")
	phone.send("GET /")

	err := sessions.RevokeAll(context.Background(), "user 42") // not from a request
	fmt.Println(err)
	laptop.send("GET /")
	// Output:
	// POST /login: 200
	// POST /login: 200
	// POST /password: 200
	// GET /: 200 "user 42"
	// GET /: 200 ""
	// <nil>
	// GET /: 200 ""
}

// A worker puts its result into the session that asked for it. It keeps the public ID,
// which cannot be used to open the session.
func ExampleManager_Update() {
	sessions := must(session.New(memory.New(), session.Config{}))
	report := session.NewKey[string]("report")
	jobs := make(chan string, 1)

	mux := http.NewServeMux()
	mux.Handle("POST /report", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		report.Set(s, "under way")
		if s.Save(r.Context()) == nil { // from here on it has a public ID
			jobs <- s.PublicID()
		}
	}))
	mux.Handle("GET /report", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		text, _ := report.Get(s)
		fmt.Fprint(w, text)
	}))
	work := func(publicID string) error {
		return sessions.Update(context.Background(), publicID, func(s *session.Session) error {
			report.Set(s, "12 pages")
			return nil
		})
	}

	ann := newBrowser(mux)
	ann.send("POST /report")
	ann.send("GET /report")
	publicID := <-jobs
	fmt.Println("work:", work(publicID))
	ann.send("GET /report")

	_ = sessions.Revoke(context.Background(), publicID)
	fmt.Println("gone:", errors.Is(work(publicID), session.ErrEnded))
	// Output:
	// POST /report: 200
	// GET /report: 200 under way
	// work: <nil>
	// GET /report: 200 12 pages
	// gone: true
}

// A connection that stays open outlives the request that it began with, and the session
// as well, unless it checks.
func ExampleSession_Check() {
	sessions := must(session.New(memory.New(), session.Config{}))
	// In a program a ticker would check as well, twice a minute. Here the account is
	// closed between the second piece of news and the third.
	news := func(yield func(string) bool) {
		_ = yield("one") && yield("two") &&
			sessions.RevokeAll(context.Background(), "user 42") == nil &&
			yield("three")
	}

	live := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		for text := range news {
			if err := s.Check(r.Context()); errors.Is(err, session.ErrEnded) {
				fmt.Fprint(w, "signed out")
				return
			} else if err != nil { // the store is down: do not let the user stay
				fmt.Fprint(w, "please come again")
				return
			}
			fmt.Fprint(w, text, ", ")
		}
	})
	mux := http.NewServeMux()
	mux.Handle("GET /live", live)
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("user 42")
	}))

	ann := newBrowser(mux)
	ann.send("POST /login")
	ann.send("GET /live")
	// Output:
	// POST /login: 200
	// GET /live: 200 one, two, signed out
}

// One device at a time: a second sign-in ends the session of the first.
// OwnerLimitRefuses turns it away instead.
func ExampleConfig_ownerLimit() {
	for _, refuses := range []bool{false, true} {
		sessions := must(session.New(memory.New(), session.Config{
			OwnerLimit:        1,
			OwnerLimitRefuses: refuses,
			ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
				text := "please try again"
				if errors.Is(err, session.ErrTooManySessions) {
					text = "sign out of the other device first"
				}
				http.Error(w, text, session.StatusCode(err))
			},
		}))
		site := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if r.Method == http.MethodPost {
				s.Renew()
				s.SetOwner("user 42")
				return
			}
			fmt.Fprintf(w, "%q", s.Owner())
		})

		laptop, phone := newBrowser(site), newBrowser(site)
		laptop.send("POST /login")
		phone.send("POST /login")
		laptop.send("GET /")
		phone.send("GET /")
	}
	// Output:
	// POST /login: 200
	// POST /login: 200
	// GET /: 200 ""
	// GET /: 200 "user 42"
	// POST /login: 200
	// POST /login: 409 sign out of the other device first
	// GET /: 200 "user 42"
	// GET /: 200 ""
}
