package oauth

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", site.Sessions.HandlerFunc(home))
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.begin))
	mux.HandleFunc("GET /callback", site.Sessions.HandlerFunc(site.callback))
	mux.HandleFunc("GET /orders", site.Sessions.HandlerFunc(site.orders))
	mux.HandleFunc("POST /logout", site.Sessions.HandlerFunc(logout))
	return mux
}

func home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintf(w, "user %q", s.Owner())
}

func logout(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() }
