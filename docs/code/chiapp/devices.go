package main

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/holdfast-go/holdfast/session"
)

type device struct {
	Name  string
	Since time.Time
}

var devices = session.NewKey[device]("device")

type row struct {
	device
	ID   string
	This bool
}

func (a *app) listDevices(w http.ResponseWriter, r *http.Request, s *session.Session) {
	own, err := a.sessions.Sessions(r.Context(), s.Owner())
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	var rows []row
	for _, one := range own {
		d, _ := devices.Get(one)
		rows = append(rows, row{d, one.PublicID(), one.PublicID() == s.PublicID()})
	}
	show(w, r, s, rows)
}

// endDevice ends one of the user's own sessions.
func (a *app) endDevice(w http.ResponseWriter, r *http.Request, s *session.Session) {
	own, err := a.sessions.Sessions(r.Context(), s.Owner())
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	id := chi.URLParam(r, "id")
	if id == s.PublicID() {
		a.logOut(w, r, s)
		return
	}
	if slices.ContainsFunc(own, func(one *session.Session) bool { return one.PublicID() == id }) {
		err = a.sessions.Revoke(r.Context(), id)
	}
	if err != nil && !errors.Is(err, session.ErrEnded) {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	addNotice(s, "That device is logged out.")
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}
