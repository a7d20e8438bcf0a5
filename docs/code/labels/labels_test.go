package labels

import (
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// visit returns two browsers: ann of the tenant acme, and bob of the tenant other.
func visit(t *testing.T) (ann, bob *browser.Browser) {
	site, err := New(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", site.Sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		signIn(s, r.FormValue("user"), r.FormValue("tenant"))
	}))
	mux.Handle("GET /{$}", site.Sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		if s.Owner() == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	mux.HandleFunc("POST /close", site.closeTenant)
	mux.HandleFunc("POST /everybody", site.signOutEverybody)
	ann = browser.New(t, mux)
	bob = ann.Other()
	ann.Post("/login", "user", "ann", "tenant", "acme").Want(t, 200, "")
	bob.Post("/login", "user", "bob", "tenant", "other").Want(t, 200, "")
	return ann, bob
}

func TestEndings(t *testing.T) {
	for name, tc := range map[string]struct {
		path       string
		form       []string
		status     int
		bobsStatus int
	}{
		"tenant":    {"/close", []string{"tenant", "acme"}, 204, 200},
		"everybody": {"/everybody", nil, 204, 401},
	} {
		t.Run(name, func(t *testing.T) {
			ann, bob := visit(t)
			ann.Other().Post(tc.path, tc.form...).Want(t, tc.status, "")
			ann.Get("/").Want(t, 401, "")
			bob.Get("/").Want(t, tc.bobsStatus, "")
			ann.Post("/login", "user", "ann", "tenant", "acme").Want(t, 200, "")
			ann.Get("/").Want(t, 200, "")
		})
	}
}

func TestAFormWithoutTenantEndsNothing(t *testing.T) {
	ann, _ := visit(t)
	ann.Other().Post("/close").Want(t, 500, "please try again")
	ann.Get("/").Want(t, 200, "")
}
