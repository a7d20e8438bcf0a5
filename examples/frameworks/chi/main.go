// Chi is the shop with chi: Manager.Handler is the middleware.
//
//	go run ./chi
package main

import (
	"bytes"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

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
	r := chi.NewRouter()
	r.Use(middleware.Logger, middleware.Recoverer, http.NewCrossOriginProtection().Handler, sessions.Handler)
	r.Get("/", sessions.HandlerFunc(home)) // runs again if it meets a conflict
	r.Post("/login", login)
	r.Post("/logout", logout)
	r.With(signedIn).Post("/basket/{item}", put)
	return r
}

// signedIn is middleware: it lets only visitors in who are signed in.
func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, ok := load(w, r)
		switch {
		case !ok:
		case !shop.SignedIn(s):
			http.Redirect(w, r, "/", http.StatusSeeOther)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// load returns the session. If it cannot be read, load answers and returns false.
func load(w http.ResponseWriter, r *http.Request) (*session.Session, bool) {
	s, err := session.Load(r.Context())
	if err != nil {
		http.Error(w, "Please come back later.", session.StatusCode(err))
		return nil, false
	}
	return s, true
}

func home(w http.ResponseWriter, r *http.Request, s *session.Session) {
	page, err := shop.Open(r.Context(), s)
	if err != nil {
		http.Error(w, "Please come back later.", session.StatusCode(err))
		return
	}
	var html bytes.Buffer
	if err := page.Render(&html); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = html.WriteTo(w)
}

func login(w http.ResponseWriter, r *http.Request) {
	if s, ok := load(w, r); ok {
		shop.SignIn(s, r.FormValue("name"), r.FormValue("password"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func logout(w http.ResponseWriter, r *http.Request) {
	if s, ok := load(w, r); ok {
		shop.SignOut(s)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func put(w http.ResponseWriter, r *http.Request) {
	s, ok := load(w, r) // the one that signedIn has loaded
	switch {
	case !ok:
	case shop.Put(s, chi.URLParam(r, "item")):
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}
