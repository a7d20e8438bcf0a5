package session_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var flashes = session.NewKey[[]string]("flashes").LastWriteWins()

// flash leaves a message for the next page.
func flash(s *session.Session, message string) {
	flashes.Update(s, func(all []string) []string { return append(all, message) })
}

// takeFlashes returns the messages that no page has shown yet. Session.Update takes them
// from the newest session: one of several parallel pages gets each message, the others
// get none, and none answers 409. Pages without a message cost no trip for it.
//
// An Update keeps HandlerFunc from running the page again. If the page also makes a value
// that may conflict, such as a CSRF token by Key.GetOrSet, do that in the same Update.
func takeFlashes(ctx context.Context, s *session.Session) (messages []string, err error) {
	if _, ok := flashes.Get(s); !ok {
		return nil, nil
	}
	err = s.Update(ctx, func(s *session.Session) error {
		messages, _ = flashes.Pop(s)
		return nil
	})
	return messages, err
}

// A flash message is set before a redirect, and shown once by the page that it leads to.
func ExampleSession_Update_flash() {
	sessions := must(session.New(memory.New(), session.Config{}))
	browser := newBrowser(nil)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /save", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		flash(s, "saved")
		w.Header().Set("Location", "/page")
		w.WriteHeader(http.StatusSeeOther)
	}))
	mux.HandleFunc("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		browser.overtake() // by another tab
		messages, err := takeFlashes(r.Context(), s)
		if err != nil {
			http.Error(w, "please come back later", session.StatusCode(err))
			return
		}
		fmt.Fprint(w, "page", strings.Join(append([]string{""}, messages...), ": "))
	}))
	browser.site = mux

	browser.send("POST /save")
	browser.race("GET /tab1", "GET /tab2")
	browser.send("POST /save")
	browser.race("GET /tab1", "POST /save")
	browser.send("GET /tab1")
	// Output:
	// POST /save: 303
	// GET /tab2: 200 page: saved
	// GET /tab1: 200 page
	// POST /save: 303
	// POST /save: 303
	// GET /tab1: 200 page: saved: saved
	// GET /tab1: 200 page
}
