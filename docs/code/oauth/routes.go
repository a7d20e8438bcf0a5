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
	return mux
}

func home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintf(w, "user %q", s.Owner())
}
