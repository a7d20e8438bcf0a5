// Package login is the code of docs/login.md: login, logout and "remember me".
package login

import (
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A Site has pages for users.
type Site struct {
	Sessions *session.Manager
	// UserID returns the permanent ID of the user with that name and password.
	UserID func(name, password string) (string, error)
}

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", site.Sessions.HandlerFunc(site.home))
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	mux.HandleFunc("POST /logout", site.Sessions.HandlerFunc(site.logOut))
	return http.NewCrossOriginProtection().Handler(mux)
}

func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	id, err := site.UserID(r.PostFormValue("name"), r.PostFormValue("password"))
	if err != nil {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	s.Renew()      // a new ID: the old cookie opens nothing any more
	s.SetOwner(id) // whose session it is
	s.Persist(0)
	if r.PostFormValue("remember") != "" {
		s.Persist(30 * 24 * time.Hour)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (site *Site) logOut(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Destroy()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (site *Site) home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	w.Header().Set("Cache-Control", "no-store") // the back button shows nothing after a logout
	if s.Owner() == "" {
		fmt.Fprintln(w, "please log in")
		return
	}
	fmt.Fprintln(w, "you are user", s.Owner())
}
