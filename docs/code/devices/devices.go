// Package devices is the code of docs/devices.md: where a user is logged in, and how to end
// these sessions.
package devices

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A Site shows users where they are logged in.
type Site struct{ Sessions *session.Manager }

// A Device is what a login notes in its session.
type Device struct {
	Name  string
	Since time.Time
}

var device = session.NewKey[Device]("device")

func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	// check the password here
	s.Renew()
	s.SetOwner(userID(r.PostFormValue("name")))
	device.Set(s, Device{Name: r.UserAgent(), Since: time.Now()})
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}

// A row is a line of the page.
type row struct {
	Device
	PublicID string // for the button that ends the session
	LastSeen time.Time
	This     bool
}

func (site *Site) list(w http.ResponseWriter, r *http.Request, s *session.Session) {
	own, err := site.Sessions.Sessions(r.Context(), s.Owner())
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	var rows []row
	for _, one := range own { // the one that was used last comes first
		d, _ := device.Get(one)
		rows = append(rows, row{d, one.PublicID(), one.LastSeenAt(), one.PublicID() == s.PublicID()})
	}
	render(w, rows)
}

// endOne ends one session. Revoke does not check whose it is, so look for it among those
// of the user.
func (site *Site) endOne(w http.ResponseWriter, r *http.Request, s *session.Session) {
	own, err := site.Sessions.Sessions(r.Context(), s.Owner())
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	id := r.PostFormValue("id")
	if slices.ContainsFunc(own, func(one *session.Session) bool { return one.PublicID() == id }) {
		err = site.Sessions.Revoke(r.Context(), id)
	}
	if err != nil && !errors.Is(err, session.ErrEnded) { // that one is gone
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}

// endOthers ends all sessions of the user but this one, as after a change of the password.
func (site *Site) endOthers(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if err := site.Sessions.RevokeOthers(r.Context(), s); err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	s.Renew()
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}

// endAll ends all sessions of the user, this one included.
func (site *Site) endAll(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if err := site.Sessions.RevokeOthers(r.Context(), s); err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	s.Destroy()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// disable is for administrators: the user is out at once, on every device.
func (site *Site) disable(w http.ResponseWriter, r *http.Request) {
	// note in the account that it is disabled, so that no login follows
	if err := site.Sessions.RevokeAll(r.Context(), r.PostFormValue("user")); err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
