// Package csrf is the code of docs/csrf.md: protection from forged cross-site requests.
package csrf

import (
	"crypto/rand"
	"crypto/subtle"
	"html/template"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// isolate answers 403 to what a page of another site loads or fetches from this one, whatever
// the method. A link to a page of this site is followed, except into a frame or a plug-in.
// Browsers send these headers over HTTPS; a request without them passes.
func isolate(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, mode, into := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
		ours := from == "" || from == "same-origin" || from == "none" // none: typed, or a bookmark
		link := mode == "navigate" && into == "document"
		if !ours && !link {
			http.Error(w, "not for pages of another site", http.StatusForbidden)
			return
		}
		site.ServeHTTP(w, r)
	})
}

// protect answers a POST from another site's page with 403.
func protect(site http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(site)
}

var csrfToken = session.NewKey[string]("csrf token")

// field is the hidden field of a form.
func field(s *session.Session) template.HTML {
	token := csrfToken.GetOrSet(s, rand.Text)
	return template.HTML(`<input type="hidden" name="csrf" value="` + token + `">`)
}

// checkToken lets a request pass that only reads, or that has the token of its session in
// a form's field or, from a script, in a header.
func checkToken(sessions *session.Manager, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			next.ServeHTTP(w, r)
			return
		}
		s, err := sessions.Load(r.Context())
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		sent := r.Header.Get("X-CSRF-Token")
		if sent == "" {
			sent = r.PostFormValue("csrf")
		}
		want, ok := csrfToken.Get(s)
		if !ok || subtle.ConstantTimeCompare([]byte(sent), []byte(want)) != 1 {
			http.Error(w, "the form is out of date: please go back and load it again", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// logIn makes the tokens from before the login worthless.
func logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	// check the password here
	s.Renew()
	csrfToken.Delete(s)
	http.Redirect(w, r, "/form", http.StatusSeeOther)
}
