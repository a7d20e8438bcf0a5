package session_test

import (
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// An identity provider, or the page of a bank, sends its answer by a POST from its own
// site. Browsers do not send a SameSite=Lax cookie with that. So the values that the
// answer is checked against are in a second, short session, with SameSite=None and a name
// of its own. The answer's handler touches no other session; it leaves the result there
// and redirects. The redirect is a GET, which comes with the cookies of both.
func ExampleCookie_crossSite() {
	store := memory.New()
	sessions := must(session.New(store, session.Config{}))
	roundTrips := must(session.New(store, session.Config{
		Namespace:   "round trips",
		IdleTimeout: 10 * time.Minute,
		Cookie:      session.Cookie{Name: "__Host-roundtrip", SameSite: http.SameSiteNoneMode},
	}))
	cart := session.NewKey[string]("cart")
	state := session.NewKey[string]("state")
	proven := session.NewKey[string]("proven")

	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Set(s, "tea")
	}))
	mux.HandleFunc("POST /login", roundTrips.HandlerFunc(func(w http.ResponseWriter, r *http.Request, trip *session.Session) {
		state.Set(trip, "xyz") // rand.Text()
		http.Redirect(w, r, "https://id.example/authorize?response_mode=form_post&state=xyz", http.StatusSeeOther)
	}))
	mux.HandleFunc("POST /callback", roundTrips.HandlerFunc(func(w http.ResponseWriter, r *http.Request, trip *session.Session) {
		if sent, ok := state.Pop(trip); !ok || sent != r.FormValue("state") {
			http.Error(w, "not what was asked for", http.StatusForbidden)
			return
		}
		// check what the identity provider says here
		proven.Set(trip, "ann")
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	}))
	mux.Handle("GET /welcome", sessions.Handler(roundTrips.HandlerFunc(func(w http.ResponseWriter, r *http.Request, trip *session.Session) {
		s, err := sessions.Load(r.Context())
		if err != nil {
			http.Error(w, "try again later", session.StatusCode(err))
			return
		}
		user, ok := proven.Get(trip)
		if !ok {
			http.Error(w, "please log in", http.StatusForbidden)
			return
		}
		trip.Destroy()
		s.Renew()
		s.SetOwner(user)
		item, _ := cart.Get(s)
		fmt.Fprintln(w, user, "has", item)
	})))

	ann := newBrowser(mux)
	ann.send("POST /cart")
	ann.send("POST /login")
	ann.sendFromAnotherSite("POST /callback?state=xyz")
	ann.send("GET /welcome")
	// Output:
	// POST /cart: 200
	// POST /login: 303
	// POST /callback?state=xyz: 303
	// GET /welcome: 200 ann has tea
}

// sendFromAnotherSite sends a request that a page of another site has made: a browser
// sends only the cookies that are SameSite=None.
func (b *browser) sendFromAnotherSite(request string) {
	all := b.cookies
	b.cookies = maps.Clone(all)
	maps.DeleteFunc(b.cookies, func(_ string, c *http.Cookie) bool { return c.SameSite != http.SameSiteNoneMode })
	b.send(request)
	maps.Copy(all, b.cookies)
	b.cookies = all
}
