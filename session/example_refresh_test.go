package session_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A page sends three requests at once, and the access token has run out. One of them
// redeems the refresh token, which the provider takes once.
func ExampleKey_Refresh() {
	sessions := must(session.New(memory.New(), session.Config{}))
	type Token struct {
		Access, Refresh string
		Expired         bool
	}
	tokens := session.NewKey[Token]("token")

	var redemptions atomic.Int64
	redeem := func(ctx context.Context, old Token) (Token, error) { // asks the provider
		n := redemptions.Add(1)
		return Token{Access: fmt.Sprint("access ", n), Refresh: fmt.Sprint("refresh ", n)}, nil
	}

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		tokens.Set(s, Token{Access: "access 0", Refresh: "refresh 0", Expired: true})
	}))
	mux.Handle("GET /orders", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		token, err := tokens.Refresh(r.Context(), s, func(t Token) bool { return t.Expired }, redeem)
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		fmt.Fprintln(w, "orders by", token.Access)
	}))

	browser := newBrowser(mux)
	browser.send("POST /login")
	var page sync.WaitGroup
	for range 3 {
		page.Go(func() { browser.send("GET /orders") })
	}
	page.Wait()
	fmt.Println("redemptions:", redemptions.Load())
	// Output:
	// POST /login: 200
	// GET /orders: 200 orders by access 1
	// GET /orders: 200 orders by access 1
	// GET /orders: 200 orders by access 1
	// redemptions: 1
}
