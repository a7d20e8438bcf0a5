package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

var (
	user  = session.NewKey[string]("user")
	flash = session.NewKey[string]("flash").LastWriteWins() // said once, on the next page
)

const keepSignedIn = 30 * 24 * time.Hour

func (s *shop) signUpForm(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	s.render(w, sess, http.StatusOK, "signup", page{Title: "Sign up"})
}

func (s *shop) signUp(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	name := strings.TrimSpace(r.FormValue("name"))
	if err := s.users.add(name, r.FormValue("password")); err != nil {
		s.render(w, sess, http.StatusUnprocessableEntity, "signup", page{Title: "Sign up", Name: name, Problem: err.Error()})
		return
	}
	s.welcome(w, r, sess, name)
}

func (s *shop) signInForm(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	s.render(w, sess, http.StatusOK, "signin", page{Title: "Sign in"})
}

func (s *shop) signIn(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	name := strings.TrimSpace(r.FormValue("name"))
	if err := s.users.check(name, r.FormValue("password")); err != nil {
		s.render(w, sess, http.StatusUnprocessableEntity, "signin", page{Title: "Sign in", Name: name, Problem: err.Error()})
		return
	}
	s.welcome(w, r, sess, name)
}

// welcome signs name in. Renew gives the session a new ID, so that one that was
// planted before (session fixation) is worth nothing now. The basket comes along.
//
// It reads nothing of the session, only sets: so a form that is sent twice signs
// in twice, where reading the user first would answer 409 to the second.
func (s *shop) welcome(w http.ResponseWriter, r *http.Request, sess *session.Session, name string) {
	sess.Renew()
	user.Set(sess, name)
	flash.Set(sess, "Welcome, "+name+".")
	sess.Persist(0)
	if r.FormValue("keep") != "" {
		sess.Persist(keepSignedIn)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signOut says goodbye by the address, not by flash: nothing can be set in a
// session that has ended, as it has when the button is clicked a second time.
func (s *shop) signOut(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	sess.Destroy()
	http.Redirect(w, r, "/?signed-out", http.StatusSeeOther)
}

func (s *shop) account(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	if s.signedIn(w, r, sess) == "" {
		return
	}
	s.render(w, sess, http.StatusOK, "account", page{Title: "Your account"})
}

func (s *shop) changePassword(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	name := s.signedIn(w, r, sess)
	if name == "" {
		return
	}
	err := s.users.check(name, r.FormValue("old"))
	if err == nil {
		err = s.users.setPassword(name, r.FormValue("new"))
	}
	if err != nil {
		s.render(w, sess, http.StatusUnprocessableEntity, "account", page{Title: "Your account", Problem: err.Error()})
		return
	}
	sess.Renew()
	flash.Set(sess, "Your password is changed.")
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// signedIn returns who is signed in. If nobody is, it answers with the form, and
// the handler has nothing left to do.
func (s *shop) signedIn(w http.ResponseWriter, r *http.Request, sess *session.Session) string {
	name := s.user(sess)
	if name == "" {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
	}
	return name
}

// user returns who is signed in, or "". A session may outlive the account.
func (s *shop) user(sess *session.Session) string {
	if name, ok := user.Get(sess); ok && s.users.exists(name) {
		return name
	}
	return ""
}
