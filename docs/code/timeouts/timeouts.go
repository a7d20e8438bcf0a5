// Package timeouts is the code of docs/timeouts.md: limits for one session, and a warning
// before the session ends.
package timeouts

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A Site warns its users before their sessions end.
type Site struct{ Sessions *session.Manager }

// logIn gives administrators ten minutes without use, and four hours in all.
func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	// check the password here
	s.Renew()
	s.SetOwner(r.PostFormValue("name"))
	if isAdmin(r.PostFormValue("name")) {
		s.SetLimits(10*time.Minute, 4*time.Hour)
	} else {
		s.SetLimits(24*time.Hour, 24*time.Hour) // the limits of the Config, should they be shorter
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// left tells how many seconds the session has. Put it inside of Manager.Passive: asking
// must not extend the session.
func (site *Site) left(w http.ResponseWriter, r *http.Request, s *session.Session) {
	tellLeft(w, s)
}

// stay extends the session, as far as its lifetime allows.
func (site *Site) stay(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if err := s.Touch(r.Context()); err != nil {
		http.Error(w, "please log in", session.StatusCode(err))
		return
	}
	tellLeft(w, s)
}

func tellLeft(w http.ResponseWriter, s *session.Session) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	seconds := 0
	if s.Owner() != "" {
		seconds = max(int(time.Until(s.ExpiresAt())/time.Second), 0)
	}
	_ = json.NewEncoder(w).Encode(map[string]int{"seconds": seconds})
}

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	mux.Handle("GET /session", site.Sessions.Passive(site.Sessions.HandlerFunc(site.left)))
	mux.HandleFunc("POST /session", site.Sessions.HandlerFunc(site.stay))
	mux.HandleFunc("GET /warning.js", script)
	mux.HandleFunc("GET /{$}", page)
	return http.NewCrossOriginProtection().Handler(mux)
}
