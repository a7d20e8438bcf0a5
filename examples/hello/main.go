// Hello counts a visitor's visits. However many of a visitor's requests arrive
// at once, every one is counted.
package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func main() {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("serving http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", sessions.HandlerFunc(hello)))
}

func hello(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
}
