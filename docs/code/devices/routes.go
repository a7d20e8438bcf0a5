package devices

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	user := func(h func(http.ResponseWriter, *http.Request, *session.Session)) http.HandlerFunc {
		return site.Sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			if s.Owner() == "" {
				http.Error(w, "please log in", http.StatusUnauthorized)
				return
			}
			h(w, r, s)
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	mux.HandleFunc("GET /devices", user(site.list))
	mux.HandleFunc("POST /devices/end", user(site.endOne))
	mux.HandleFunc("POST /devices/end-others", user(site.endOthers))
	mux.HandleFunc("POST /devices/end-all", user(site.endAll))
	mux.HandleFunc("POST /admin/disable", site.disable)
	return mux
}

// userID returns the permanent ID of a user: names change.
func userID(name string) string { return map[string]string{"ann": "42", "eve": "43"}[name] }

// render prints a line for each session.
func render(w http.ResponseWriter, rows []row) {
	for _, r := range rows {
		this := ""
		if r.This {
			this = " (this device)"
		}
		fmt.Fprintf(w, "%s %s%s\n", r.PublicID, r.Name, this)
	}
}
