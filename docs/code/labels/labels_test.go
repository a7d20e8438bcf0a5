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
	claims := func(r *http.Request) Claims {
		return Claims{"https://idp", r.FormValue("sub"), r.FormValue("sid"), r.FormValue("tenant")}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", site.Sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		signIn(s, claims(r))
	}))
	mux.Handle("GET /{$}", site.Sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		if s.Owner() == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	mux.HandleFunc("POST /backchannel", func(w http.ResponseWriter, r *http.Request) {
		if err := site.providerHasEnded(r, claims(r)); err != nil {
			w.WriteHeader(session.StatusCode(err))
		}
	})
	mux.HandleFunc("POST /close", site.closeTenant)
	mux.HandleFunc("POST /everybody", site.signOutEverybody)
	ann = browser.New(t, mux)
	bob = ann.Other()
	ann.Post("/login", "sub", "ann", "sid", "1", "tenant", "acme").Want(t, 200, "")
	bob.Post("/login", "sub", "bob", "sid", "2", "tenant", "other").Want(t, 200, "")
	return ann, bob
}

func TestEndings(t *testing.T) {
	for name, tc := range map[string]struct {
		path       string
		form       []string
		status     int
		bobsStatus int
	}{
		"by sid":    {"/backchannel", []string{"sid", "1"}, 200, 200},
		"by sub":    {"/backchannel", []string{"sub", "ann"}, 200, 200},
		"tenant":    {"/close", []string{"tenant", "acme"}, 204, 200},
		"everybody": {"/everybody", nil, 204, 401},
	} {
		t.Run(name, func(t *testing.T) {
			ann, bob := visit(t)
			ann.Other().Post(tc.path, tc.form...).Want(t, tc.status, "")
			ann.Get("/").Want(t, 401, "")
			bob.Get("/").Want(t, tc.bobsStatus, "")
			ann.Post("/login", "sub", "ann", "sid", "3", "tenant", "acme").Want(t, 200, "")
			ann.Get("/").Want(t, 200, "")
		})
	}
}

func TestAFormWithoutTenantEndsNothing(t *testing.T) {
	ann, _ := visit(t)
	ann.Other().Post("/close").Want(t, 500, "please try again")
	ann.Get("/").Want(t, 200, "")
}
