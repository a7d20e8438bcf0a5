package session_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func hello(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
}

// A counter that counts every visit, however many come at once. In a program
// the last lines are:
//
//	log.Fatal(http.ListenAndServe("localhost:8080", sessions.HandlerFunc(hello)))
func Example() {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}

	browser := newBrowser(sessions.HandlerFunc(hello))
	browser.send("GET /")
	browser.send("GET /")
	// Output:
	// GET /: 200 visit 1
	// GET /: 200 visit 2
}
