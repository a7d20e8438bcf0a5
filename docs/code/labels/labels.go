// Package labels is the code of docs/labels.md: the sessions of a tenant and of an OpenID
// provider, and how to end them.
package labels

import (
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A Site has tenants, each with users who sign in by the tenant's OpenID provider.
type Site struct{ Sessions *session.Manager }

// New returns a site whose administrators can sign out everybody.
func New(store provider.Provider) (*Site, error) {
	sessions, err := session.New(store, session.Config{RevokeEverythingWithin: 10 * time.Second})
	return &Site{sessions}, err
}

// Claims are what the site needs of an ID token that it has verified.
type Claims struct {
	Issuer    string // iss
	Subject   string // sub
	SessionID string // sid
	Tenant    string
}

// signIn makes s the session of the user whom the ID token names.
func signIn(s *session.Session, c Claims) {
	s.Renew()
	s.SetOwner(c.Issuer + " " + c.Subject)
	s.SetLabel("tenant", c.Tenant)
	if c.SessionID != "" {
		s.SetLabel("oidc", oidcSession(c))
	}
}

// oidcSession names a session of an OpenID provider. A sid is unique only within its
// issuer.
func oidcSession(c Claims) string { return c.Issuer + " " + c.SessionID }

// providerHasEnded ends the sessions that an OpenID provider has ended, as a logout token
// says that was verified: those of a sid or, without one, all of the user.
func (site *Site) providerHasEnded(r *http.Request, c Claims) error {
	if c.SessionID != "" {
		return site.Sessions.RevokeBy(r.Context(), "oidc", oidcSession(c))
	}
	return site.Sessions.RevokeAll(r.Context(), c.Issuer+" "+c.Subject)
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
