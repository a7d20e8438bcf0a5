package session_test

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Get, Set and Delete. Keys are package variables in most programs.
func ExampleKey() {
	sessions := must(session.New(memory.New(), session.Config{}))
	type Theme struct{ Font, Color string }
	theme := session.NewKey[Theme]("theme")

	mux := http.NewServeMux()
	mux.Handle("GET /theme", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if t, ok := theme.Get(s); ok {
			fmt.Fprintln(w, t.Font, "in", t.Color)
		} else {
			fmt.Fprintln(w, "no theme")
		}
	}))
	mux.Handle("PUT /theme", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		theme.Set(s, Theme{Font: r.FormValue("font"), Color: r.FormValue("color")})
	}))
	mux.Handle("DELETE /theme", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		theme.Delete(s)
	}))

	browser := newBrowser(mux)
	browser.send("GET /theme")
	browser.send("PUT /theme?font=Garamond&color=blue")
	browser.send("GET /theme")
	browser.send("DELETE /theme")
	browser.send("GET /theme")
	// Output:
	// GET /theme: 200 no theme
	// PUT /theme?font=Garamond&color=blue: 200
	// GET /theme: 200 Garamond in blue
	// DELETE /theme: 200
	// GET /theme: 200 no theme
}

// Two tabs put something into the cart at the same time. The cart has both.
func ExampleKey_Update() {
	sessions := must(session.New(memory.New(), session.Config{}))
	cart := session.NewKey[[]string]("cart")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /cart/{item}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Update(s, func(items []string) []string {
			return append(items, r.PathValue("item"))
		})
		browser.overtake() // by the other tab
	}))
	mux.Handle("GET /cart", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		items, _ := cart.Get(s)
		fmt.Fprintln(w, items)
	}))

	browser.send("POST /cart/tea")
	browser.race("POST /cart/milk", "POST /cart/cups")
	browser.send("GET /cart")
	// Output:
	// POST /cart/tea: 200
	// POST /cart/cups: 200
	// POST /cart/milk: 200
	// GET /cart: 200 [tea cups milk]
}

// A one-time code can be used once, even by a double click.
func ExampleKey_Pop() {
	sessions := must(session.New(memory.New(), session.Config{}))
	code := session.NewKey[string]("code")

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /send", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		code.Set(s, "8472")
	}))
	mux.Handle("POST /confirm", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		want, ok := code.Pop(s)
		if !ok || r.FormValue("code") != want {
			http.Error(w, "this code is not valid", http.StatusForbidden)
			return
		}
		browser.overtake() // by the other click
		fmt.Fprintln(w, "confirmed")
	}))

	browser.send("POST /send")
	browser.race("POST /confirm?code=8472", "POST /confirm?code=8472")
	browser.send("POST /confirm?code=8472")
	// Output:
	// POST /send: 200
	// POST /confirm?code=8472: 200 confirmed
	// POST /confirm?code=8472: 409 Another request of yours changed the sam
	// POST /confirm?code=8472: 403 this code is not valid
}

// If both requests have set the key, the later page is the one to resume at.
func ExampleKey_MergeWith() {
	sessions := must(session.New(memory.New(), session.Config{}))
	page := session.NewKey[int]("page").MergeWith(func(base, mine, theirs int) int {
		return max(mine, theirs)
	})

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /read/{page}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		now, err := strconv.Atoi(r.PathValue("page"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		browser.overtake() // by the other tab
		if last, _ := page.Get(s); now > last {
			page.Set(s, now)
		}
	}))
	mux.Handle("GET /resume", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		last, _ := page.Get(s)
		fmt.Fprintln(w, "page", last)
	}))

	browser.send("POST /read/7")
	browser.race("POST /read/8", "POST /read/9")
	browser.send("GET /resume")
	// Output:
	// POST /read/7: 200
	// POST /read/9: 200
	// POST /read/8: 200
	// GET /resume: 200 page 9
}

// Two tabs may both show the message; neither is answered 409 for it.
func ExampleKey_LastWriteWins() {
	sessions := must(session.New(memory.New(), session.Config{}))
	flash := session.NewKey[string]("flash").LastWriteWins()

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	mux.Handle("POST /order", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		flash.Set(s, "Thank you!")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	mux.Handle("GET /{$}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		message, _ := flash.Pop(s)
		browser.overtake() // by the other tab
		fmt.Fprintln(w, "Welcome.", message)
	}))

	browser.send("POST /order")
	browser.race("GET /", "GET /")
	browser.send("GET /")
	// Output:
	// POST /order: 303
	// GET /: 200 Welcome. Thank you!
	// GET /: 200 Welcome. Thank you!
	// GET /: 200 Welcome.
}

// The cart used to be a list of items. Now it counts them, and carts that were stored
// before keep their items.
func ExampleUpgrade() {
	sessions := must(session.New(memory.New(), session.Config{}))
	type Cart map[string]int
	before := session.NewKey[[]string]("cart")
	cart := session.Upgrade(session.NewKey[Cart]("cart"), func(items []string) Cart {
		numbers := Cart{}
		for _, item := range items {
			numbers[item]++
		}
		return numbers
	})

	mux := http.NewServeMux()
	mux.Handle("POST /old/{item}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		before.Update(s, func(items []string) []string { return append(items, r.PathValue("item")) })
	}))
	mux.Handle("POST /new/{item}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintln(w, cart.Update(s, func(numbers Cart) Cart {
			numbers[r.PathValue("item")]++
			return numbers
		}))
	}))

	browser := newBrowser(mux)
	browser.send("POST /old/tea")
	browser.send("POST /old/milk")
	browser.send("POST /new/tea")
	browser.send("POST /new/cups")
	// Output:
	// POST /old/tea: 200
	// POST /old/milk: 200
	// POST /new/tea: 200 map[milk:1 tea:2]
	// POST /new/cups: 200 map[cups:1 milk:1 tea:2]
}

func ExampleSession_Keys() {
	sessions := must(session.New(memory.New(), session.Config{}))
	name, theme := session.NewKey[string]("name"), session.NewKey[string]("theme")

	browser := newBrowser(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		theme.Set(s, "dark")
		name.Set(s, "Ann")
		fmt.Fprintln(w, s.Keys())
	}))
	browser.send("POST /")
	// Output:
	// POST /: 200 [name theme]
}

// Clear empties the session, which stays the same session. To log out, call Destroy.
func ExampleSession_Clear() {
	sessions := must(session.New(memory.New(), session.Config{}))
	filter, sorting := session.NewKey[string]("filter"), session.NewKey[string]("sorting")

	mux := http.NewServeMux()
	mux.Handle("POST /search", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		filter.Set(s, "in stock")
		sorting.Set(s, "by price")
	}))
	mux.Handle("POST /reset", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Clear()
	}))
	mux.Handle("GET /search", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		fmt.Fprintln(w, s.Keys(), "new:", s.IsNew())
	}))

	browser := newBrowser(mux)
	browser.send("POST /search")
	browser.send("GET /search")
	browser.send("POST /reset")
	browser.send("GET /search")
	// Output:
	// POST /search: 200
	// GET /search: 200 [filter sorting] new: false
	// POST /reset: 200
	// GET /search: 200 [] new: false
}
