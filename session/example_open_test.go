package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A framework whose requests are not those of net/http reads the visitor's token itself,
// opens the session, and commits it before the response begins.
func ExampleManager_Open() {
	sessions := must(session.New(memory.New(), session.Config{}))
	visits := session.NewKey[int]("visits")

	handle := func(ctx context.Context, token string) (session.Token, error) {
		s, err := sessions.Open(ctx, token)
		if err != nil {
			return session.Token{}, err
		}
		fmt.Println("visit", visits.Update(s, func(n int) int { return n + 1 }))
		return s.Commit(ctx)
	}

	held := ""
	for range 2 {
		token, err := handle(context.Background(), held)
		if err != nil {
			fmt.Println("answer with status", session.StatusCode(err))
		}
		if token.Changed {
			fmt.Println("send", sessions.Cookie(token).Name)
			held = token.Value
		}
	}
	// Output:
	// visit 1
	// send __Host-session
	// visit 2
}

// A mobile app signs in with JSON, keeps the token, and sends it in the header
// Authorization. A browser of the same site has its session in a cookie.
func ExampleSession_Token() {
	sessions := must(session.New(memory.New(), session.Config{Header: "Authorization"}))
	user := session.NewKey[string]("user")

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// check the password here
		s.Renew()
		user.Set(s, "ann")
		if err := s.Save(r.Context()); err != nil {
			http.Error(w, "try again", session.StatusCode(err))
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"token": s.Token().Value})
	}))
	mux.Handle("GET /me", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name, _ := user.Get(s)
		fmt.Fprintf(w, "you are %q", name)
	}))

	login := httptest.NewRequest("POST", "/login", nil)
	login.Header.Set("Authorization", "Bearer") // no token yet, and no cookie wanted
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, login)
	var body struct{ Token string }
	json.Unmarshal(answer.Body.Bytes(), &body)
	fmt.Println("cookies:", len(answer.Result().Cookies()))

	me := httptest.NewRequest("GET", "/me", nil)
	me.Header.Set("Authorization", "Bearer "+body.Token)
	answer = httptest.NewRecorder()
	mux.ServeHTTP(answer, me)
	fmt.Println(answer.Body)
	// Output:
	// cookies: 0
	// you are "ann"
}
