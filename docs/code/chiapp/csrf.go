package main

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

var csrfToken = session.NewKey[string]("csrf token")

// checkToken lets a request pass that only reads, that an app has sent with a bearer
// token, or that has the CSRF token of its session.
func (a *app) checkToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		if reads || strings.EqualFold(scheme, "Bearer") {
			next.ServeHTTP(w, r)
			return
		}
		s, err := a.sessions.Load(r.Context())
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		want, ok := csrfToken.Get(s)
		if !ok || subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(want)) != 1 {
			http.Error(w, "the form is out of date: please go back and load it again", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *app) requireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := a.sessions.Load(r.Context())
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		if s.Owner() == "" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}
