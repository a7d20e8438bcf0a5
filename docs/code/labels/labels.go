// Package labels is the code of docs/labels.md: the sessions of a tenant, and how to end
// them.
package labels

import (
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A Site has tenants, each with users.
type Site struct{ Sessions *session.Manager }

// New returns a site whose administrators can sign out everybody.
func New(store provider.Provider) (*Site, error) {
	sessions, err := session.New(store, session.Config{RevokeEverythingWithin: 10 * time.Second})
	return &Site{sessions}, err
}

// signIn makes s the session of a user, who works in a tenant.
func signIn(s *session.Session, user, tenant string) {
	s.Renew()
	s.SetOwner(user)
	s.SetLabel("tenant", tenant)
}

// closeTenant is for administrators: everybody of the tenant is out at once.
func (site *Site) closeTenant(w http.ResponseWriter, r *http.Request) {
	// note in the tenant that it is closed, so that no login follows
	if err := site.Sessions.RevokeBy(r.Context(), "tenant", r.PostFormValue("tenant")); err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// signOutEverybody is for administrators. It takes 10 seconds, until no instance serves a
// session that began before.
func (site *Site) signOutEverybody(w http.ResponseWriter, r *http.Request) {
	if err := site.Sessions.RevokeEverything(r.Context()); err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
