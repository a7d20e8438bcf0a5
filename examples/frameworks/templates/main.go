// Templates is the shop with net/http and html/template alone.
//
//	go run ./templates
package main

import (
	"bytes"
	"log"
	"net/http"

	"github.com/holdfast-go/holdfast/examples/frameworks/shop"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func main() {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("serving http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", newApp(sessions)))
}

func newApp(sessions *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", sessions.HandlerFunc(home))
	mux.HandleFunc("POST /login", sessions.HandlerFunc(login))
	mux.HandleFunc("POST /logout", sessions.HandlerFunc(logout))
	mux.HandleFunc("POST /basket/{item}", sessions.HandlerFunc(put))
	return http.NewCrossOriginProtection().Handler(mux)
}

func home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	page, err := shop.Open(r.Context(), s)
	if err != nil {
		http.Error(w, "Please come back later.", session.StatusCode(err))
		return
	}
	var html bytes.Buffer // so that an error of the template is no half page
	if err := page.Render(&html); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = html.WriteTo(w)
}

func login(w http.ResponseWriter, r *http.Request, s *session.Session) {
	shop.SignIn(s, r.FormValue("name"), r.FormValue("password"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request, s *session.Session) {
	shop.SignOut(s)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func put(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if shop.SignedIn(s) && !shop.Put(s, r.PathValue("item")) {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
