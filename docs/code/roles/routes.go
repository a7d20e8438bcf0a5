package roles

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	mux.Handle("/account", site.requireUser(site.Sessions.HandlerFunc(account)))
	mux.Handle("/admin", site.requireRole("admin", site.Sessions.HandlerFunc(admin)))
	return site.Sessions.Handler(mux)
}

func home(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "home") }

func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	// check the password here
	s.Renew()
	s.SetOwner(r.PostFormValue("name"))
	http.Redirect(w, r, localPath(r.PostFormValue("next")), http.StatusSeeOther)
}

func account(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintln(w, "account of", s.Owner())
}

func admin(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintln(w, "administration")
}
