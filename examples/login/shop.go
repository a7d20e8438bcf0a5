package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A shop is the app. It stores its users itself; all other data of a visitor is in the
// session.
type shop struct {
	closing   context.Context // ends when the server is about to
	sessions  *session.Manager
	users     *users
	attempts  attempts
	thefts    thefts
	unchecked uncheckedStore
	pages     pages
}

// maxDevices is the maximum number of devices on which a user is signed in. One more
// signs the oldest out.
const maxDevices = 20

// maxBody is the maximum size of a request's body in bytes, far more than any form here
// needs.
const maxBody = 64 << 10

// newShop returns the shop's handler. Streams end with closing.
func newShop(closing context.Context, p provider.Provider, cfg session.Config) (http.Handler, error) {
	s := &shop{closing: closing, users: newUsers(), attempts: attempts{full: map[string]time.Time{}}, unchecked: uncheckedStore{p}, pages: parsePages()}
	cfg.ErrorHandler = s.sessionError
	cfg.OwnerLimit = maxDevices
	var stats admin.Stats
	cfg.Observer = stats.Observe
	var err error
	s.sessions, err = session.New(p, cfg)
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	for pattern, handler := range map[string]func(http.ResponseWriter, *http.Request, *session.Session){
		"GET /{$}":                 s.home,
		"GET /signup":              s.signUpForm,
		"POST /signup":             s.signUp,
		"GET /signin":              s.signInForm,
		"POST /signin":             s.signIn,
		"POST /signout":            s.signOut,
		"POST /signout/one":        s.signOutOne,
		"POST /signout/others":     s.signOutOthers,
		"POST /signout/everywhere": s.signOutEverywhere,
		"POST /thief":              s.copyCookies,
		"GET /account":             s.account,
		"POST /account":            s.changePassword,
		"POST /basket":             s.addToBasket,
		"POST /basket/slow":        s.addSlowly,
		"POST /basket/none":        s.emptyBasket,
		"GET /race":                s.raceCounts,
		"POST /race":               s.raceAdd,
	} {
		mux.Handle(pattern, s.sessions.HandlerFunc(handler))
	}
	mux.Handle("GET /events", s.sessions.Passive(s.sessions.HandlerFunc(s.events))) // no use of the session
	mux.Handle("/admin/", s.admin(&stats))
	mux.HandleFunc("POST /forget", s.forget)
	mux.Handle("GET /static/{file}", static())
	mux.HandleFunc("/", s.notFound)

	// SameSite=Lax withholds the cookie from most requests that other sites make the browser
	// send; this refuses all of them, whatever the browser's age.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(s.crossOrigin))
	pages := s.isolate(guard.Handler(mux))
	if cfg.DeviceBinding != session.BindingOff {
		// Outside of what refuses other sites: a link there may cause a refresh, and the
		// browser would take the 403 for the end of its binding.
		outer := http.NewServeMux()
		outer.Handle("POST /device-binding/", s.sessions.DeviceBinding())
		outer.Handle("/", pages)
		pages = outer
	}
	return secureHeaders(http.MaxBytesHandler(pages, maxBody)), nil
}

func (s *shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.pages.write(w, http.StatusNotFound, "error", page{Title: "There is nothing here", Problem: "The shop has no such page."})
}

// isolate refuses what a page of another site loads from the shop, by the Fetch Metadata
// that browsers send over HTTPS and on localhost. A link to a page of the shop is followed.
func (s *shop) isolate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "same-site", "cross-site":
			if r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
				s.crossOrigin(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *shop) crossOrigin(w http.ResponseWriter, r *http.Request) {
	s.pages.write(w, http.StatusForbidden, "error", page{Title: "Not from here", Problem: "This was sent by a page of another site."})
}

// sessionError answers when a session could not be loaded or saved. Nothing of the
// handler's own response has been sent.
func (s *shop) sessionError(w http.ResponseWriter, r *http.Request, err error) {
	p := page{Title: "The shop cannot reach its sessions", Problem: "Yours was not changed. Please try again in a moment."}
	switch {
	case errors.Is(err, session.ErrEnded):
		p = page{Title: "This session has ended", Problem: "It was signed out, here or on another device, or renewed by signing in. Nothing was changed.", Gone: true}
	case errors.Is(err, session.ErrNotListed):
		p = page{Title: "Some of your devices may be signed in still", Problem: "The shop had lost the list of your devices, and has signed out those that it knew of. Please look at your account again in ten minutes."}
	case errors.Is(err, session.ErrConflict):
		p = page{Title: "Something else was first", Problem: "Another request has changed the same thing, and this one was not saved: have a look, and try again."}
	case errors.Is(err, session.ErrOutcomeUnknown):
		p = page{Title: "The shop lost touch with its sessions", Problem: "The change may have been made or not: have a look before you repeat it."}
	case errors.Is(err, session.ErrUnproven):
		p = page{Title: "Your browser could not prove that it is yours", Problem: "It will try again. Please come back in a few minutes."}
	case errors.Is(err, session.ErrUnreadable):
		s.sessions.ClearCookie(w, r)
		p = page{Title: "Your session cannot be read", Problem: "The next page starts you a new one."}
	}
	log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
	s.pages.write(w, session.StatusCode(err), "error", p)
}

func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
