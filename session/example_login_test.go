package session_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Mallory has planted the cookie of his own session in Ann's browser, and waits for her
// to log in (session fixation). After Renew his cookie does not open her session.
func ExampleSession_Renew() {
	sessions := must(session.New(memory.New(), session.Config{}))
	user := session.NewKey[string]("user")
	cart := session.NewKey[string]("cart")

	mux := http.NewServeMux()
	mux.Handle("POST /cart", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Set(s, "tea")
	}))
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		// check the password here
		s.Renew()
		user.Set(s, "ann")
	}))
	mux.Handle("GET /account", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name, ok := user.Get(s)
		if !ok {
			http.Error(w, "please log in", http.StatusUnauthorized)
			return
		}
		item, _ := cart.Get(s)
		fmt.Fprintln(w, name, "has", item)
	}))

	mallory := newBrowser(mux)
	mallory.send("POST /cart")
	ann := mallory.copy()
	ann.send("POST /login")
	ann.send("GET /account")
	mallory.send("GET /account")
	// Output:
	// POST /cart: 200
	// POST /login: 200
	// GET /account: 200 ann has tea
	// GET /account: 401 please log in
}

// Values that are set after Destroy begin a new session, here for a farewell.
func ExampleSession_Destroy() {
	sessions := must(session.New(memory.New(), session.Config{}))
	user := session.NewKey[string]("user")
	flash := session.NewKey[string]("flash").LastWriteWins()

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		user.Set(s, "Ann")
	}))
	mux.Handle("POST /logout", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Destroy()
		flash.Set(s, "See you soon.")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	mux.Handle("GET /{$}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name, _ := user.Get(s)
		message, _ := flash.Pop(s)
		fmt.Fprintf(w, "user %q, message %q\n", name, message)
	}))

	ann := newBrowser(mux)
	ann.send("POST /login")
	ann.send("GET /")
	thief := ann.copy()
	ann.send("POST /logout")
	ann.send("GET /")
	ann.send("GET /")
	thief.send("GET /")
	// Output:
	// POST /login: 200
	// GET /: 200 user "Ann", message ""
	// POST /logout: 303
	// GET /: 200 user "", message "See you soon."
	// GET /: 200 user "", message ""
	// GET /: 200 user "", message ""
}

// Keep me signed in: the cookie outlives the browser, and the session the idle
// timeout.
func ExampleSession_Persist() {
	sessions := must(session.New(memory.New(), session.Config{}))
	user := session.NewKey[string]("user")

	browser := newBrowser(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		user.Set(s, "ann")
		if r.FormValue("keep") != "" {
			s.Persist(14 * 24 * time.Hour)
		}
	}))
	kept := func() time.Duration {
		cookie := browser.cookies["__Host-session"]
		return (time.Duration(cookie.MaxAge) * time.Second).Round(time.Hour)
	}

	browser.send("POST /login")
	fmt.Println("Max-Age", kept())
	browser.send("POST /login?keep=yes")
	fmt.Println("Max-Age", kept())
	// Output:
	// POST /login: 200
	// Max-Age 0s
	// POST /login?keep=yes: 200
	// Max-Age 336h0m0s
}

// Keep me signed in for 30 days after the last visit, at most half a year. Persist counts
// from its call; so each visit calls it again, on a day after the last one.
func ExampleSession_Persist_sliding() {
	const day = 24 * time.Hour
	sessions := must(session.New(memory.New(), session.Config{PersistLifetime: 180 * day}))
	keep := session.NewKey[bool]("keep")

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		keep.Set(s, true)
		s.Persist(10 * day) // as an earlier visit may have left it
	}))
	mux.HandleFunc("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if kept, _ := keep.Get(s); kept && time.Until(s.ExpiresAt()) < 29*day {
			s.Persist(30 * day)
		}
	}))

	browser := newBrowser(mux)
	keeps := func() time.Duration {
		return (time.Duration(browser.cookies["__Host-session"].MaxAge) * time.Second).Round(time.Hour)
	}
	browser.send("POST /login")
	fmt.Println("Max-Age", keeps())
	browser.send("GET /")
	fmt.Println("Max-Age", keeps())
	// Output:
	// POST /login: 200
	// Max-Age 240h0m0s
	// GET /: 200
	// Max-Age 720h0m0s
}
