// Package roles is the code of docs/authorization.md: pages for users, and for users with
// a role.
package roles

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

// A Site has pages for users.
type Site struct {
	Sessions *session.Manager
	// Roles returns the present roles of a user, from the database of users.
	Roles func(userID string) ([]string, error)
}

// requireUser passes on the requests of users, and sends others to the login.
func (site *Site) requireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := site.Sessions.Load(r.Context())
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		if s.Owner() == "" {
			to := "/login"
			if r.Method == http.MethodGet {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requireRole passes on the requests of users with the role. It asks the database, so that
// a role that was taken away is gone at once.
func (site *Site) requireRole(role string, next http.Handler) http.Handler {
	return site.requireUser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := site.Sessions.Load(r.Context()) // the same session, no storage trip
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		roles, err := site.Roles(s.Owner())
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		if !slices.Contains(roles, role) {
			http.Error(w, "not for you", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// localPath returns the page to go to after a login. Another site's page is no such page.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	return next
}
