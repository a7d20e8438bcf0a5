// Chiapp is a small site with chi: login, logout, CSRF tokens, flash messages, devices, and
// an API for apps with bearer tokens. docs/frameworks.md shows its routes.
package main

import (
	"log"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func main() {
	sessions, err := session.New(memory.New(), session.Config{Header: "Authorization"})
	if err != nil {
		log.Fatal(err)
	}
	app := &app{sessions: sessions, userID: demoUser}
	log.Println("serving http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", app.routes()))
}
