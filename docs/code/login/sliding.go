package login

import (
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

const day = 24 * time.Hour

var remembered = session.NewKey[bool]("remembered")

// keepRemembered gives a user who comes back another 30 days, once a day. The Manager's
// Config.PersistLifetime is the limit since the login or the last Renew.
func keepRemembered(sessions *session.Manager, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Load(r.Context())
		if err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
			return
		}
		if yes, _ := remembered.Get(s); yes && time.Until(s.ExpiresAt()) < 29*day {
			s.Persist(30 * day)
		}
		next.ServeHTTP(w, r)
	})
}
