package main

import (
	"log"
	"net/http"

	"github.com/holdfast-go/holdfast/admin"
)

// admin returns the operator's page, for the user of the first account. A real shop has
// roles in its database, and asks for a second factor here.
func (s *shop) admin(stats *admin.Stats) http.Handler {
	pages := admin.Handler(s.sessions, admin.Options{Authorize: s.authorizeAdmin, Stats: stats})
	return s.sessions.Handler(pages) // so that authorizeAdmin can load the session
}

func (s *shop) authorizeAdmin(r *http.Request) (operator string, may admin.Rights) {
	sess, err := s.sessions.Load(r.Context())
	if err != nil {
		log.Printf("%s: %v", r.URL.Path, err)
		return "", admin.Rights{}
	}
	if name := s.signedIn(sess); name != "" && s.users.isFirst(sess.Owner()) {
		return name, admin.AllRights()
	}
	return "", admin.Rights{}
}
