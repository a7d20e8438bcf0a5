// Package migrate is the code of docs/migrating.md: visitors keep their sessions when the
// site moves to Holdfast.
package migrate

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/holdfast-go/holdfast/session"
)

var basket = session.NewKey[string]("basket")

// carryOver begins a session for a visitor who comes with a session of scs and none of
// Holdfast, and ends the old one. Put it inside of sessions.Handler.
func carryOver(sessions *session.Manager, old *scs.SessionManager, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(old.Cookie.Name)
		if err != nil { // nearly all requests, after a while
			next.ServeHTTP(w, r)
			return
		}
		s, err := sessions.Load(r.Context())
		if err == nil && s.IsNew() {
			err = carry(w, r, s, old, cookie.Value)
		}
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// carry puts the values of the old session into s. It ends the old session afterwards, so
// that a failure loses nothing.
func carry(w http.ResponseWriter, r *http.Request, s *session.Session, old *scs.SessionManager, token string) error {
	ctx, err := old.Load(r.Context(), token)
	if err != nil {
		return err
	}
	if user := old.GetString(ctx, "user"); user != "" {
		s.SetOwner(user)
	}
	if items := old.GetString(ctx, "basket"); items != "" {
		basket.Set(s, items)
	}
	s.Renew()
	if err := s.Save(r.Context()); err != nil {
		return err
	}
	old.WriteSessionCookie(ctx, w, "", time.Time{}) // clears it
	return old.Destroy(ctx)
}
