package admin

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// wantPage checks the status of a page, and a text that it contains.
func wantPage(t *testing.T, a browser.Answer, status int, text string) {
	t.Helper()
	if a.Status != status || !strings.Contains(a.Body, text) {
		t.Errorf("got %d, want %d and %q", a.Status, status, text)
	}
}

func TestTheRolesOfOperators(t *testing.T) {
	var log bytes.Buffer
	roles := map[string]string{"sam": "support", "sue": "security"}
	site, err := New(memory.New(), func(id string) string { return roles[id] }, &AuditLog{to: &log})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	site.Mount(mux)
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner(r.FormValue("user"))
	}))
	as := func(user string) *browser.Browser {
		b := browser.New(t, mux)
		if user != "" {
			b.Post("/login", "user", user).Want(t, http.StatusOK, "")
		}
		return b
	}
	wantPage(t, as("").Get("/admin/"), http.StatusForbidden, "No access")
	ann := as("ann")
	wantPage(t, ann.Get("/admin/"), http.StatusForbidden, "No access")
	wantPage(t, as("sue").Get("/admin/end-all"), http.StatusOK, "End every session?")
	sam := as("sam")
	wantPage(t, sam.Get("/admin/"), http.StatusOK, "Overview")
	wantPage(t, sam.Get("/admin/end-all"), http.StatusForbidden, "No right")
	if log.Len() > 0 {
		t.Errorf("the log has %s", log.String())
	}
	sam.Post("/admin/end-owner", "owner", "ann")
	for _, want := range []string{`"Operator":"sam"`, `"Action":"end_owner"`, `"Owner":"ann"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s: %s", want, log.String())
		}
	}
	if sessions, err := site.Sessions.Sessions(t.Context(), "ann"); len(sessions) != 0 || err != nil {
		t.Errorf("ann has %d sessions, %v", len(sessions), err)
	}
}
