package session_test

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The wrong way: a POST that calls Get and then Set. When another request was faster, the
// number that it has read is out of date, and it is answered 409. Key.Update and Replay
// are the right ways.
func Example_incorrectGetThenSet() {
	sessions := must(session.New(memory.New(), session.Config{}))
	points := session.NewKey[int]("points")

	mux := http.NewServeMux()
	browser := newBrowser(sessions.Handler(mux))
	wrong := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		n, _ := points.Get(s)
		browser.overtake() // by the other tab
		points.Set(s, n+1)
	}
	right := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		points.Update(s, func(n int) int { return n + 1 })
		browser.overtake()
	}
	mux.Handle("POST /wrong", sessions.HandlerFunc(wrong))
	mux.Handle("POST /right", sessions.HandlerFunc(right))
	mux.Handle("POST /replayed", sessions.Replay(sessions.HandlerFunc(wrong)))
	mux.Handle("GET /points", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		n, _ := points.Get(s)
		fmt.Fprintln(w, n)
	}))

	browser.send("POST /right")
	browser.race("POST /wrong", "POST /wrong")
	browser.race("POST /right", "POST /right")
	browser.race("POST /replayed", "POST /replayed")
	browser.send("GET /points")
	// Output:
	// POST /right: 200
	// POST /wrong: 200
	// POST /wrong: 409 Another request of yours changed the sam
	// POST /right: 200
	// POST /right: 200
	// POST /replayed: 200
	// POST /replayed: 200
	// GET /points: 200 6
}

// The wrong way: the first Set of a visitor comes after the first Write. The header is
// sent by then, and the new session's cookie cannot be: the value is lost, which is
// logged. Set before you write. (Save would return ErrHeaderSent.)
func Example_incorrectSetAfterWrite() {
	sessions := must(session.New(memory.New(), session.Config{}))
	name := session.NewKey[string]("name")

	mux := http.NewServeMux()
	mux.Handle("POST /wrong", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintln(w, "Welcome, Ann")
		name.Set(s, "Ann")
	}))
	mux.Handle("POST /right", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name.Set(s, "Ann")
		fmt.Fprintln(w, "Welcome, Ann")
	}))
	mux.Handle("GET /{$}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		who, _ := name.Get(s)
		fmt.Fprintf(w, "name %q\n", who)
	}))

	browser := newBrowser(mux)
	browser.send("POST /wrong")
	browser.send("GET /")
	browser.send("POST /right")
	browser.send("GET /")
	// Output:
	// POST /wrong: 200 Welcome, Ann
	// GET /: 200 name ""
	// POST /right: 200 Welcome, Ann
	// GET /: 200 name "Ann"
}
