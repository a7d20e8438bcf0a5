package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// startCareless starts an app that tells caches to keep whatever it says, and
// returns host:port. What becomes of its answers' headers after package session is
// done with them, spoil decides.
func startCareless(t *testing.T, spoil func(http.Header)) string {
	t.Helper()
	sessions, err := session.New(memory.New(), session.Config{Cookie: session.Cookie{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(spoiling(spoil, public(carelessRoutes(sessions))))
	t.Cleanup(server.Close)
	u, _ := url.Parse(server.URL)
	return u.Host
}

func carelessRoutes(sessions *session.Manager) http.Handler {
	name := session.NewKey[string]("name")
	mux := http.NewServeMux()
	enter := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name.Set(s, r.FormValue("name"))
		fmt.Fprintf(w, "welcome, %s", r.FormValue("name"))
	}
	mux.Handle("/enter", sessions.HandlerFunc(enter))
	mux.Handle("/enter/anew", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		enter(w, r, s)
	}))
	mux.Handle("/enter/redirect", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name.Set(s, r.FormValue("name"))
		http.Redirect(w, r, "/page", http.StatusFound)
	}))
	mux.Handle("/page", sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		who, _ := name.Get(s)
		fmt.Fprintf(w, "the page of %q", who)
	}))
	mux.Handle("/plain", sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "the same for all")
	})))
	return mux
}

// public is what makes the app careless.
func public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		next.ServeHTTP(w, r)
	})
}

func spoiling(spoil func(http.Header), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&spoiled{ResponseWriter: w, spoil: spoil}, r)
	})
}

type spoiled struct {
	http.ResponseWriter
	spoil func(http.Header)
	begun bool
}

func (s *spoiled) WriteHeader(status int) {
	s.begun = true
	s.spoil(s.Header())
	s.ResponseWriter.WriteHeader(status)
}

func (s *spoiled) Write(p []byte) (int, error) {
	if !s.begun {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

// How the headers of package session may be missing.
func nothing(http.Header)          {}
func withoutVary(h http.Header)    { h.Del("Vary") }
func withoutNoStore(h http.Header) { h.Set("Cache-Control", "public, max-age=60") }
