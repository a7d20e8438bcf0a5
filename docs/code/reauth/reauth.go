// Package reauth is the code of docs/reauth.md: it asks for the password again before a
// change that matters, and then offers to go on with the request.
package reauth

import (
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A Site asks for the password again.
type Site struct{ Sessions *session.Manager }

// fresh serves h to those who have typed their password in the last five minutes. It asks
// the others for it.
func (site *Site) fresh(h func(http.ResponseWriter, *http.Request, *session.Session)) http.Handler {
	return site.Sessions.RequireFresh(5*time.Minute, site.Sessions.HandlerFunc(h), site.Sessions.HandlerFunc(site.ask))
}

// A question is what the page that asks for the password shows, and keeps in hidden fields.
type question struct {
	To      string // the path that was asked for
	Kept    string // the form that was sent to it
	Post    bool
	Problem string
}

// ask answers in place of a handler that needs a fresh session.
func (site *Site) ask(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form is not valid", http.StatusBadRequest)
		return
	}
	show(w, http.StatusForbidden, askPage, question{To: r.URL.Path, Kept: r.PostForm.Encode(), Post: r.Method == http.MethodPost})
}

// answer checks the password, and offers the request again.
func (site *Site) answer(w http.ResponseWriter, r *http.Request, s *session.Session) {
	q := question{To: r.PostFormValue("to"), Kept: r.PostFormValue("kept"), Post: r.PostFormValue("post") != ""}
	form, err := url.ParseQuery(q.Kept)
	if err != nil || !offered[q.To] { // whoever wrote this form, it is not ours
		http.Error(w, "the form is not valid", http.StatusBadRequest)
		return
	}
	if !passwordOf(s.Owner(), r.PostFormValue("password")) { // and count the attempts, as at the login
		q.Problem = "That is not your password."
		show(w, http.StatusForbidden, askPage, q)
		return
	}
	s.Renew()
	if !q.Post {
		http.Redirect(w, r, q.To, http.StatusSeeOther)
		return
	}
	show(w, http.StatusOK, againPage, offer{q.To, form})
}

// An offer is a form that the user sends again with one click.
type offer struct {
	To   string
	Form url.Values
}

// offered are the paths that need a fresh session.
var offered = map[string]bool{"/email": true, "/keys": true}
