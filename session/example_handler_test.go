package session_test

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A safe request that has met a conflict runs again: the visitor does not notice.
func ExampleManager_HandlerFunc() {
	sessions := must(session.New(memory.New(), session.Config{}))
	views := session.NewKey[int]("views")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("GET /page", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		n, _ := views.Get(s)
		browser.overtake() // by the other tab
		views.Set(s, n+1)
		fmt.Fprintln(w, "view", n+1)
	}))

	browser.send("GET /page")
	browser.race("GET /page", "GET /page")
	// Output:
	// GET /page: 200 view 1
	// GET /page: 200 view 2
	// GET /page: 200 view 3
}

// Handler is for a whole tree of handlers and middleware. They all get the
// same session, read from the store once, when the first of them asks for it.
func ExampleManager_Handler() {
	sessions := must(session.New(memory.New(), session.Config{}))
	user := session.NewKey[string]("user")

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, "please come back later", session.StatusCode(err))
			return
		}
		s.Renew()
		user.Set(s, "ann")
	})
	mux.Handle("GET /account", membersOnly(user, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "your account")
	}))

	browser := newBrowser(sessions.Handler(mux))
	browser.send("GET /account")
	browser.send("POST /login")
	browser.send("GET /account")
	// Output:
	// GET /account: 401 please log in
	// POST /login: 200
	// GET /account: 200 your account
}

func membersOnly(user session.Key[string], next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, "please come back later", session.StatusCode(err))
			return
		}
		if _, ok := user.Get(s); !ok {
			http.Error(w, "please log in", http.StatusUnauthorized)
			return
		}
		next(w, r)
	})
}

// A POST runs again where the program allows it, here because it does nothing but change
// the session. Without Replay the second bid would be answered 409.
func ExampleManager_Replay() {
	sessions := must(session.New(memory.New(), session.Config{}))
	best := session.NewKey[int]("best bid")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /bid/{amount}", sessions.Replay(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		bid, err := strconv.Atoi(r.PathValue("amount"))
		highest, _ := best.Get(s)
		browser.overtake() // by the other tab
		if err != nil || bid <= highest {
			http.Error(w, "too low", http.StatusUnprocessableEntity)
			return
		}
		best.Set(s, bid)
		fmt.Fprintln(w, "highest bid")
	})))

	browser.send("POST /bid/10")
	browser.race("POST /bid/20", "POST /bid/30")
	// Output:
	// POST /bid/10: 200 highest bid
	// POST /bid/30: 200 highest bid
	// POST /bid/20: 422 too low
}

// One site, two sessions: every customer has a session of the shop, and an administrator
// has a second one that ends sooner. Each Manager needs a cookie of its own.
func ExampleManager_Load() {
	store := memory.New()
	shop := must(session.New(store, session.Config{Namespace: "shop"}))
	admin := must(session.New(store, session.Config{
		Namespace:   "admin",
		IdleTimeout: 10 * time.Minute,
		Cookie:      session.Cookie{Name: "__Host-admin"},
	}))
	name := session.NewKey[string]("name")

	mux := http.NewServeMux()
	mux.Handle("POST /login", shop.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name.Set(s, "Ann")
	}))
	mux.Handle("POST /admin/login", admin.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name.Set(s, "root")
	}))
	mux.Handle("GET /admin/", admin.HandlerFunc(func(w http.ResponseWriter, r *http.Request, operator *session.Session) {
		customer, err := shop.Load(r.Context())
		if err != nil {
			http.Error(w, "please come back later", session.StatusCode(err))
			return
		}
		who, _ := name.Get(customer)
		as, _ := name.Get(operator)
		fmt.Fprintln(w, who, "as", as)
	}))

	browser := newBrowser(shop.Handler(mux))
	browser.send("POST /login")
	browser.send("POST /admin/login")
	browser.send("GET /admin/")
	// Output:
	// POST /login: 200
	// POST /admin/login: 200
	// GET /admin/: 200 Ann as root
}

// A page that polls for news does not keep the session of a user who has left.
func ExampleManager_Passive() {
	sessions := must(session.New(memory.New(), session.Config{}))
	name := session.NewKey[string]("name")

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		name.Set(s, r.FormValue("name"))
	}))
	mux.Handle("GET /news", sessions.Passive(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		user, ok := name.Get(s)
		if !ok {
			http.Error(w, "please sign in", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "no news for", user)
	})))

	browser := newBrowser(mux)
	browser.send("GET /news")
	browser.send("POST /login?name=Ann")
	browser.send("GET /news")
	// Output:
	// GET /news: 401 please sign in
	// POST /login?name=Ann: 200
	// GET /news: 200 no news for Ann
}

// A chat goes on for hours in one request. Each line that the user writes keeps the
// session alive, and the chat ends when the user has signed out elsewhere.
func ExampleSession_Touch() {
	sessions := must(session.New(memory.New(), session.Config{}))
	name := session.NewKey[string]("name")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.HandleFunc("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		name.Set(s, r.FormValue("name"))
	}))
	mux.HandleFunc("POST /logout", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Destroy()
	}))
	mux.HandleFunc("GET /chat", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		for _, line := range []string{"hello", "still there?", "bye"} { // from a websocket, say
			if err := s.Touch(r.Context()); err != nil {
				fmt.Fprint(w, err)
				return
			}
			fmt.Fprint(w, line, "; ")
			browser.overtake() // by the other tab, after the first line
		}
	}))

	browser.send("POST /login?name=Ann")
	browser.race("GET /chat", "POST /logout")
	// Output:
	// POST /login?name=Ann: 200
	// POST /logout: 200
	// GET /chat: 200 hello; session: destroyed, renewed or ex
}
