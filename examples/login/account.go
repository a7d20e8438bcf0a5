package main

import (
	"errors"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

var (
	signedInWith = session.NewKey[int]("password")                 // the generation of the owner's password
	flash        = session.NewKey[string]("flash").LastWriteWins() // shown once, on the next page
)

const keepSignedIn = 30 * 24 * time.Hour

func (s *shop) signUpForm(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	s.render(w, sess, http.StatusOK, "signup", page{Title: "Sign up"})
}

func (s *shop) signUp(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	s.enter(w, r, sess, "signup", "Sign up", s.users.add)
}

func (s *shop) signInForm(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	p := page{Title: "Sign in"}
	if r.URL.Query().Has("again") && s.signedIn(sess) == "" {
		p.Flash = "You are signed out on this device, so nothing was changed. Please sign in again."
	}
	s.render(w, sess, http.StatusOK, "signin", p)
}

func (s *shop) signIn(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	s.enter(w, r, sess, "signin", "Sign in", func(name, password string) (account, error) {
		return s.guess(r, name, func() (account, error) { return s.users.check(name, password) })
	})
}

// guess calls check to compare a password, unless there were too many wrong ones. The
// comparison takes most of the time, so the limit comes first.
func (s *shop) guess(r *http.Request, name string, check func() (account, error)) (account, error) {
	clean, err := cleanName(name)
	if err != nil {
		clean = "" // a name that nobody has; the form reveals no more than for a wrong password
	}
	address := addressOf(r)
	giveBack, err := s.attempts.begin(clean, address, s.users.knows(clean, address))
	if err != nil {
		return account{}, err
	}
	acc, err := check()
	if !errors.Is(err, errSignIn) {
		giveBack()
	}
	return acc, err
}

// enter signs in the user that the form names, if admit returns an account for it.
func (s *shop) enter(w http.ResponseWriter, r *http.Request, sess *session.Session, form, title string, admit func(name, password string) (account, error)) {
	name := r.PostFormValue("name")
	acc, err := admit(name, r.PostFormValue("password"))
	if err != nil {
		s.complain(w, sess, form, page{Title: title, Name: name}, err)
		return
	}
	s.users.seen(acc, addressOf(r))
	s.welcome(w, r, sess, s.users.name(acc), acc)
}

// welcome signs a user in. Renew gives the session a new ID, so that one that an attacker
// has planted before (session fixation) is worthless now. The basket is kept.
//
// It reads nothing of the session, only sets values: so a form that is sent twice at once
// signs in twice. The second request finds the session renewed and begins another one,
// without the basket, which belongs to the first. That is one more device until it
// expires; app.js prevents sending a form twice.
func (s *shop) welcome(w http.ResponseWriter, r *http.Request, sess *session.Session, name string, acc account) {
	sess.Renew()
	sess.SetOwner(acc.ID)
	signedInWith.Set(sess, acc.Generation)
	devices.Set(sess, deviceOf(r))
	flash.Set(sess, "Welcome, "+name+".")
	sess.Persist(0)
	if r.PostFormValue("keep") != "" {
		sess.Persist(keepSignedIn)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signOut confirms by a parameter of the address, not by flash: nothing can be set in a
// session that has ended, as it has when the button is clicked a second time. Destroy
// clears the cookie only with a live session; here the cookie is always cleared.
func (s *shop) signOut(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	sess.Destroy()
	s.sessions.ClearCookie(w, r)
	http.Redirect(w, r, "/?signed-out", http.StatusSeeOther)
}

func (s *shop) account(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	if s.mustSignIn(w, r, sess) == "" {
		return
	}
	s.showAccount(w, r, sess, nil)
}

// showAccount shows the account, and the problem with the form, if any.
func (s *shop) showAccount(w http.ResponseWriter, r *http.Request, sess *session.Session, problem error) {
	all, err := s.signedInDevices(r.Context(), sess)
	if err != nil {
		s.sessionError(w, r, err)
		return
	}
	p := page{Title: "Your account", Devices: all, Stolen: s.stolen(sess.Owner())}
	if problem != nil {
		s.complain(w, sess, "account", p, problem)
		return
	}
	s.render(w, sess, http.StatusOK, "account", p)
}

// changePassword signs the other devices out by the password's generation: this includes
// a device that is just signing in with the old password, whose session RevokeOthers
// cannot see yet. RevokeOthers ends the existing sessions with all their values.
func (s *shop) changePassword(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	name := s.mustSignIn(w, r, sess)
	if name == "" {
		return
	}
	acc, err := s.guess(r, name, func() (account, error) {
		return s.users.change(name, r.PostFormValue("old"), r.PostFormValue("new"))
	})
	if err != nil {
		s.showAccount(w, r, sess, err)
		return
	}
	if err := s.sessions.RevokeOthers(r.Context(), sess); err != nil {
		log.Printf("change of password: %v", err) // the other devices are signed out all the same
	}
	sess.Renew()
	signedInWith.Set(sess, acc.Generation)
	backToAccount(w, r, sess, "Your password is changed, and your other devices are signed out.")
}

func backToAccount(w http.ResponseWriter, r *http.Request, sess *session.Session, said string) {
	flash.Set(sess, said)
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// mustSignIn returns the name of the signed-in user. If nobody is signed in, it answers
// with the form, and the handler must return. Only a page that was left open can send
// such a request.
func (s *shop) mustSignIn(w http.ResponseWriter, r *http.Request, sess *session.Session) string {
	name := s.signedIn(sess)
	if name == "" {
		to := "/signin"
		if r.Method == http.MethodPost {
			to += "?again"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
	return name
}

// signedIn returns the name of the signed-in user, or "".
func (s *shop) signedIn(sess *session.Session) string {
	generation, _ := signedInWith.Get(sess)
	return s.users.name(account{sess.Owner(), generation})
}

// complain shows the form again.
func (s *shop) complain(w http.ResponseWriter, sess *session.Session, form string, p page, err error) {
	status := http.StatusUnprocessableEntity
	p.Problem = err.Error()
	if limited := tooOften(0); errors.As(err, &limited) {
		w.Header().Set("Retry-After", strconv.Itoa(limited.seconds()))
		status = http.StatusTooManyRequests
	} else if !errors.As(err, new(complaint)) {
		log.Printf("%s: %v", form, err)
		status, p.Problem = http.StatusInternalServerError, "That did not work. Please try again later."
	}
	s.render(w, sess, status, form, p)
}

// forget clears the cookie of a visitor whose session has ended, so that a new session
// begins.
func (s *shop) forget(w http.ResponseWriter, r *http.Request) {
	s.sessions.ClearCookie(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
