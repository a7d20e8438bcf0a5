// Package rotation is a site that notices copied cookies by their rotation.
package rotation

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Site is the site. Warn tells a user that the session was stolen.
type Site struct {
	Sessions *session.Manager
	Warn     func(user string)
}

// New returns the site over a store.
func New(store provider.Provider, warn func(user string)) (*Site, error) {
	site := &Site{Warn: warn}
	var err error
	site.Sessions, err = session.New(store, session.Config{
		RotateInterval: 15 * time.Minute,
		Observer:       site.observe,
	})
	return site, err
}

// observe warns the owner of a session whose cookie was copied.
func (site *Site) observe(_ context.Context, e session.Event) {
	if e.Op == session.OpEnd && e.EndReason == session.EndTheft && e.Owner != "" {
		site.Warn(e.Owner)
	}
}

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		// Check the password here.
		s.Renew()
		s.SetOwner(r.FormValue("user"))
	}))
	mux.HandleFunc("GET /{$}", site.Sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprintf(w, "Hello %s", s.Owner())
	}))
	return http.NewCrossOriginProtection().Handler(mux)
}
