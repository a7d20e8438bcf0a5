package files

import (
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Renew()
	s.SetOwner("ann")
}
