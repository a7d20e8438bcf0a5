package session_test

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A safe request that has met a conflict runs again: the visitor sees nothing
// of it.
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

// A POST runs again when it is allowed to, here because it does nothing but
// change the session. Without Replay the second bid would be told 409.
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

// One site, two sessions: every customer has the shop's, and who administers it
// another one that ends sooner. Each Manager needs a cookie of its own.
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
