package session_test

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Save commits at once and returns the result. The handler can then answer by itself or,
// as here, leave out an action that must not happen twice.
func ExampleSession_Save() {
	sessions := must(session.New(memory.New(), session.Config{}))
	order := session.NewKey[string]("order")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /basket", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		order.Set(s, "tea")
	}))
	mux.Handle("POST /buy", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		item, ok := order.Pop(s)
		if !ok {
			http.Error(w, "nothing to buy", http.StatusNotFound)
			return
		}
		browser.overtake() // by the other click
		switch err := s.Save(r.Context()); {
		case errors.Is(err, session.ErrConflict):
			http.Error(w, "you have just bought it", http.StatusConflict)
		case err != nil:
			http.Error(w, "please come back later", session.StatusCode(err))
		default:
			fmt.Fprintln(w, "charged for", item) // charge the card here
		}
	}))

	browser.send("POST /basket")
	browser.race("POST /buy", "POST /buy")
	// Output:
	// POST /basket: 200
	// POST /buy: 200 charged for tea
	// POST /buy: 409 you have just bought it
}

var errSoldOut = errors.New("sold out")

// Update reads and changes several keys in one step. It runs again when another request
// was faster, and its changes are undone when it fails.
func ExampleSession_Update() {
	sessions := must(session.New(memory.New(), session.Config{}))
	left := session.NewKey[int]("coupons left")
	used := session.NewKey[[]string]("coupons used")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /start", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		left.Set(s, 2)
	}))
	mux.Handle("POST /use/{coupon}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		err := s.Update(r.Context(), func(s *session.Session) error {
			n, _ := left.Get(s)
			if n == 0 {
				return errSoldOut
			}
			browser.overtake() // by the other tab
			left.Set(s, n-1)
			used.Update(s, func(list []string) []string { return append(list, r.PathValue("coupon")) })
			return nil
		})
		switch {
		case errors.Is(err, errSoldOut):
			http.Error(w, err.Error(), http.StatusForbidden)
		case err != nil:
			http.Error(w, "please come back later", session.StatusCode(err))
		default:
			list, _ := used.Get(s)
			fmt.Fprintln(w, list)
		}
	}))

	browser.send("POST /start")
	browser.race("POST /use/A", "POST /use/B")
	browser.send("POST /use/C")
	// Output:
	// POST /start: 200
	// POST /use/B: 200 [B]
	// POST /use/A: 200 [B A]
	// POST /use/C: 403 sold out
}
