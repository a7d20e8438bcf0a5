// Package tests is the code of docs/testing.md: a small shop and the tests of its handlers.
package tests

import (
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

var (
	cart    = session.NewKey[[]string]("cart")
	voucher = session.NewKey[string]("voucher")
)

// A Shop is the program under test.
type Shop struct {
	Sessions *session.Manager
	Pay      func(voucher string) // out the money
}

// Routes returns the handlers of the shop.
func (shop *Shop) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart", shop.Sessions.HandlerFunc(shop.addToCart))
	mux.HandleFunc("POST /login", shop.Sessions.HandlerFunc(shop.logIn))
	mux.HandleFunc("POST /logout", shop.Sessions.HandlerFunc(shop.logOut))
	mux.HandleFunc("POST /redeem", shop.Sessions.HandlerFunc(shop.redeem))
	return mux
}

func (shop *Shop) addToCart(w http.ResponseWriter, r *http.Request, s *session.Session) {
	cart.Update(s, func(items []string) []string { return append(items, r.FormValue("item")) })
}

func (shop *Shop) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Renew()
	s.SetOwner(r.FormValue("user"))
}

func (shop *Shop) logOut(w http.ResponseWriter, r *http.Request, s *session.Session) { s.Destroy() }

func (shop *Shop) redeem(w http.ResponseWriter, r *http.Request, s *session.Session) {
	code, ok := voucher.Pop(s)
	if err := s.Save(r.Context()); err != nil { // without this, a double click pays twice
		http.Error(w, "redeemed by another request", session.StatusCode(err))
		return
	}
	if ok {
		shop.Pay(code)
	}
}
