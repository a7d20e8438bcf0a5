package migrate

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/alexedwards/scs/v2"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestAVisitorKeepsTheSessionOfSCS(t *testing.T) {
	old := scs.New()
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	before := http.NewServeMux()
	before.HandleFunc("POST /login", func(_ http.ResponseWriter, r *http.Request) {
		old.Put(r.Context(), "user", "ann")
		old.Put(r.Context(), "basket", "tea")
	})
	before.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "before: ", old.GetString(r.Context(), "user"))
	})
	after := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		items, _ := basket.Get(s)
		fmt.Fprintf(w, "after: %s has %q", s.Owner(), items)
	})
	site := old.LoadAndSave(before)
	b := browser.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { site.ServeHTTP(w, r) }))
	b.Post("/login")
	b.Get("/").Want(t, 200, "before: ann")
	stranger, thief := b.Other(), b.Thief()

	site = sessions.Handler(carryOver(sessions, old, after))
	stranger.Get("/").Want(t, 200, `after:  has ""`)
	b.Get("/").Want(t, 200, `after: ann has "tea"`)
	b.Get("/").Want(t, 200, `after: ann has "tea"`)
	thief.Get("/").Want(t, 200, `after:  has ""`) // the old session has ended

	site = old.LoadAndSave(before)
	thief.Get("/").Want(t, 200, "before:")
}
