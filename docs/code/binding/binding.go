// Package binding is a site whose sessions are bound to the device of their browser.
package binding

import (
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Site is the site.
type Site struct{ Sessions *session.Manager }

// New returns the site over a store.
func New(store provider.Provider) (*Site, error) {
	sessions, err := session.New(store, session.Config{
		DeviceBinding: session.BindingOffered,
	})
	return &Site{sessions}, err
}

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.login))
	pages.HandleFunc("GET /{$}", site.Sessions.HandlerFunc(site.home))
	pages.Handle("POST /pay", site.Sessions.RequireProof(time.Minute, site.Sessions.HandlerFunc(site.pay), nil))

	mux := http.NewServeMux()
	mux.Handle("POST /device-binding/", site.Sessions.DeviceBinding())
	mux.Handle("/", http.NewCrossOriginProtection().Handler(pages))
	return mux
}

func (site *Site) login(w http.ResponseWriter, r *http.Request, s *session.Session) {
	// Check the password here.
	s.Renew() // the response asks the browser to register a key
	s.SetOwner(r.FormValue("user"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (site *Site) home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintf(w, "%s, %s", s.Owner(), s.Binding().State)
}

func (site *Site) pay(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintf(w, "paid by %s", s.Owner())
}
