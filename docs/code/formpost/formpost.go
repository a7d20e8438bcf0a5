// Package formpost is the code of docs/oauth.md for an identity provider that answers by
// a POST from its own site: response_mode=form_post, or SAML.
package formpost

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A Site logs users in by an identity provider at another site.
type Site struct {
	Sessions   *session.Manager
	RoundTrips *session.Manager
	Identity   *url.URL
	// UserOf checks the answer of the identity provider and returns the user.
	UserOf func(answer url.Values) (string, error)
}

// managers returns the Manager of the site's sessions and that of the round trips to the
// identity provider, which has a cookie that browsers send with every request.
func managers(store provider.Provider) (sessions, roundTrips *session.Manager, err error) {
	if sessions, err = session.New(store, session.Config{}); err != nil {
		return nil, nil, err
	}
	roundTrips, err = session.New(store, session.Config{
		Namespace:   "round trips",
		IdleTimeout: 10 * time.Minute,
		Cookie:      session.Cookie{Name: "__Host-roundtrip", SameSite: http.SameSiteNoneMode},
	})
	return sessions, roundTrips, err
}

var (
	state  = session.NewKey[string]("state")  // of a round trip
	proven = session.NewKey[string]("proven") // the user, once the answer is checked
)

func (site *Site) begin(w http.ResponseWriter, r *http.Request, trip *session.Session) {
	value := rand.Text()
	state.Set(trip, value)
	to := *site.Identity
	to.RawQuery = url.Values{"state": {value}, "response_mode": {"form_post"}}.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// callback gets the POST from the other site. It must not touch the visitor's own session,
// whose cookie the browser has withheld.
func (site *Site) callback(w http.ResponseWriter, r *http.Request, trip *session.Session) {
	if sent, ok := state.Pop(trip); !ok || sent != r.PostFormValue("state") {
		http.Error(w, "this login was not begun here, or is done", http.StatusForbidden)
		return
	}
	user, err := site.UserOf(r.PostForm)
	if err != nil {
		http.Error(w, "the login has failed", http.StatusForbidden)
		return
	}
	trip.Renew()
	proven.Set(trip, user)
	http.Redirect(w, r, "/welcome", http.StatusSeeOther)
}

// welcome is a GET of the browser itself, which comes with the cookies of both sessions.
func (site *Site) welcome(w http.ResponseWriter, r *http.Request, trip *session.Session) {
	s, err := site.Sessions.Load(r.Context())
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	user, ok := proven.Pop(trip)
	if !ok {
		http.Error(w, "please log in", http.StatusForbidden)
		return
	}
	if err := trip.Save(r.Context()); err != nil { // one request gets the user
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	trip.Destroy()
	s.Renew()
	s.SetOwner(user)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", site.Sessions.HandlerFunc(home))
	mux.HandleFunc("POST /login", site.RoundTrips.HandlerFunc(site.begin))
	mux.HandleFunc("POST /callback", site.RoundTrips.HandlerFunc(site.callback))
	mux.Handle("GET /welcome", site.Sessions.Handler(site.RoundTrips.HandlerFunc(site.welcome)))

	protection := http.NewCrossOriginProtection()
	protection.AddInsecureBypassPattern("POST /callback") // it has the state
	return protection.Handler(mux)
}
