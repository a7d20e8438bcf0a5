package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// demoUser lets everybody in who knows the word. A program looks into its database.
func demoUser(name, password string) (string, error) {
	if name == "" || password != "open sesame" {
		return "", errors.New("wrong name or password")
	}
	return name, nil
}

func (a *app) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	id, err := a.userID(r.PostFormValue("name"), r.PostFormValue("password"))
	if err != nil {
		addNotice(s, err.Error())
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	begin(s, id, r.UserAgent())
	addNotice(s, "Welcome, "+id+".")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// begin makes the session that of a user. It reads nothing of the session.
func begin(s *session.Session, id, name string) {
	s.Renew()
	s.SetOwner(id)
	csrfToken.Delete(s)
	devices.Set(s, device{Name: name, Since: time.Now()})
}

func (a *app) logOut(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Destroy()
	addNotice(s, "Good-bye.")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
