package live

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /events", site.Sessions.Passive(site.Sessions.HandlerFunc(site.events)))
	mux.HandleFunc("GET /editor", site.Sessions.HandlerFunc(site.editor))
	mux.HandleFunc("GET /draft", site.Sessions.HandlerFunc(site.showDraft))
	mux.HandleFunc("POST /report", site.Sessions.HandlerFunc(site.startReport))
	mux.HandleFunc("GET /report", site.Sessions.HandlerFunc(site.showReport))
	mux.HandleFunc("POST /upload", site.Sessions.HandlerFunc(site.upload))
	mux.HandleFunc("GET /uploads", site.Sessions.HandlerFunc(site.showUploads))
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	mux.HandleFunc("POST /logout", site.Sessions.HandlerFunc(site.logOut))
	return mux
}

func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Renew()
	s.SetOwner("ann")
}

func (site *Site) logOut(w http.ResponseWriter, r *http.Request, s *session.Session) { s.Destroy() }

func (site *Site) showDraft(w http.ResponseWriter, r *http.Request, s *session.Session) {
	text, _ := draft.Get(s)
	fmt.Fprintln(w, text)
}
