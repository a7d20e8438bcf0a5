// Package first is the code of docs/first-session.md: a basket.
package first

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Keys are package variables. The type is that of the value.
var (
	basket = session.NewKey[[]string]("basket")
	theme  = session.NewKey[string]("theme")
)

// Routes returns the handlers of the site.
func Routes(sessions *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /basket", sessions.HandlerFunc(showBasket))
	mux.HandleFunc("POST /basket", sessions.HandlerFunc(addToBasket))
	mux.HandleFunc("POST /checkout", sessions.HandlerFunc(checkOut))
	mux.HandleFunc("POST /theme", sessions.HandlerFunc(setTheme))
	return mux
}

func showBasket(w http.ResponseWriter, r *http.Request, s *session.Session) {
	items, ok := basket.Get(s)
	if !ok {
		fmt.Fprintln(w, "your basket is empty")
		return
	}
	color, _ := theme.Get(s) // "" if it was never set
	fmt.Fprintln(w, items, color)
}

// Update is for a new value that depends on the old one. Parallel requests all count.
func addToBasket(w http.ResponseWriter, r *http.Request, s *session.Session) {
	basket.Update(s, func(items []string) []string {
		return append(items, r.PostFormValue("item"))
	})
	http.Redirect(w, r, "/basket", http.StatusSeeOther)
}

// Set is for a new value that does not depend on the old one.
func setTheme(w http.ResponseWriter, r *http.Request, s *session.Session) {
	theme.Set(s, r.PostFormValue("theme"))
	http.Redirect(w, r, "/basket", http.StatusSeeOther)
}

// Pop is for a value that must be used once. Of two clicks, one gets the basket.
func checkOut(w http.ResponseWriter, r *http.Request, s *session.Session) {
	items, ok := basket.Pop(s)
	if !ok {
		http.Error(w, "nothing to order", http.StatusUnprocessableEntity)
		return
	}
	if err := s.Save(r.Context()); err != nil {
		http.Error(w, "not ordered, please look at your basket", session.StatusCode(err))
		return
	}
	fmt.Fprintln(w, "ordered:", items) // charge the card here: the basket is gone for sure
}
