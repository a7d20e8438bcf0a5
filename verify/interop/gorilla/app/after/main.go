// A small shop that was written for gorilla/sessions.
package main

import (
	"encoding/gob"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"

	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
)

type item struct {
	Name  string
	Count int
}

type contextKey int

const userKey contextKey = 0

func init() {
	gob.Register([]item{})
	gob.Register(userKey)
}

var store = gorillaholdfast.NewStore(memory.New(), gorillaholdfast.Import(sessions.NewCookieStore([]byte("a secret of thirty-two characters"))))

func main() {
	store.Options = &sessions.Options{Path: "/", MaxAge: 86400 * 30, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	http.HandleFunc("GET /", home)
	http.HandleFunc("POST /login", login)
	http.HandleFunc("POST /logout", logout)
	http.HandleFunc("POST /add", add)
	http.HandleFunc("POST /color", color)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, nil))
}

func home(w http.ResponseWriter, r *http.Request) {
	s, _ := store.Get(r, "shop")
	prefs, _ := store.Get(r, "prefs")
	flashes := s.Flashes()
	if err := sessions.Save(r, w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	user, _ := s.Values[userKey].(string)
	basket, _ := s.Values["basket"].([]item)
	color, _ := prefs.Values["color"].(string)
	fmt.Fprintf(w, "user=%q basket=%v color=%q flashes=%v", user, basket, color, flashes)
}

func login(w http.ResponseWriter, r *http.Request) {
	s, _ := store.Get(r, "shop")
	s.Values[userKey] = r.FormValue("user")
	if r.FormValue("remember") == "" {
		s.Options.MaxAge = 0
	}
	s.AddFlash("welcome")
	save(w, r, s)
}

func logout(w http.ResponseWriter, r *http.Request) {
	s, _ := store.Get(r, "shop")
	s.Options.MaxAge = -1
	save(w, r, s)
}

func add(w http.ResponseWriter, r *http.Request) {
	s, _ := store.Get(r, "shop")
	count, err := strconv.Atoi(r.FormValue("count"))
	if err != nil {
		s.AddFlash("how many?")
		save(w, r, s)
		return
	}
	basket, _ := s.Values["basket"].([]item)
	s.Values["basket"] = append(basket, item{r.FormValue("name"), count})
	s.AddFlash("added")
	save(w, r, s)
}

func color(w http.ResponseWriter, r *http.Request) {
	prefs, _ := store.Get(r, "prefs")
	prefs.Options.Path = "/"
	prefs.Values["color"] = r.FormValue("color")
	save(w, r, prefs)
}

func save(w http.ResponseWriter, r *http.Request, s *sessions.Session) {
	if err := s.Save(r, w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
