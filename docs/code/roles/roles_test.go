package roles

import (
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestPagesForUsersAndRoles(t *testing.T) {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var isAdmin atomic.Bool
	site := &Site{sessions, func(id string) ([]string, error) {
		if isAdmin.Load() && id == "ann" {
			return []string{"admin"}, nil
		}
		return nil, nil
	}}
	b := browser.New(t, site.Routes())
	b.Get("/").Want(t, 200, "home")
	b.Get("/account?tab=2").Want(t, 303, "/login?next=%2Faccount%3Ftab%3D2")
	b.Post("/account").Want(t, 303, "/login")
	b.Get("/admin").Want(t, 303, "/login?next=%2Fadmin")
	b.Post("/login", "name", "ann", "next", "/account?tab=2").Want(t, 303, "/account?tab=2")
	b.Get("/account").Want(t, 200, "account of ann")
	b.Get("/admin").Want(t, 403, "not for you")
	isAdmin.Store(true)
	b.Get("/admin").Want(t, 200, "administration")
	isAdmin.Store(false)
	b.Get("/admin").Want(t, 403, "not for you")
}

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"/account?a=b":           "/account?a=b",
		"":                       "/",
		"account":                "/",
		"https://evil.example/":  "/",
		"//evil.example/":        "/",
		`/\evil.example/`:        "/",
		"javascript:alert(1)":    "/",
		"/%zz":                   "/",
		"/ok?next=https://x.org": "/ok?next=https://x.org",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}
