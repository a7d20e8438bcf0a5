package session

import (
	"fmt"
	"net/http"
	"time"
)

// AuthenticatedAt returns when Renew was last committed, which is when the user was last
// authenticated if every login, and nothing else, calls Renew. It is zero for a session
// that was never renewed, and for one that was last renewed by a version of this package
// without AuthenticatedAt. A Renew of this request counts from the commit on.
//
// For the rules of conflicts it is data of the session, like a value: a request that has
// read it cannot begin another session in place of one that has ended.
func (s *Session) AuthenticatedAt() time.Time {
	if s.empty() {
		return time.Time{}
	}
	return s.transaction().AuthenticatedAt()
}

// RequireFresh returns a handler that calls next if the visitor's session was renewed less
// than maxAge ago, as AuthenticatedAt says, and stale otherwise. It is for what a user may
// do only shortly after typing the password: stale asks for it, and calls Renew if it is
// right. A visitor without a session, and one that has never been renewed, get stale.
//
// It works alone or inside of Handler and Replay, and calls one of the handlers once. If
// the session cannot be loaded, ErrorHandler answers. RequireFresh panics if maxAge is not
// positive or a handler is nil.
func (m *Manager) RequireFresh(maxAge time.Duration, next, stale http.Handler) http.Handler {
	m.check()
	switch {
	case maxAge <= 0:
		panic(fmt.Sprintf("session: RequireFresh needs a positive maxAge, not %v", maxAge))
	case next == nil || stale == nil:
		panic("session: RequireFresh needs two handlers: one for fresh sessions, and one for others")
	}
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s := m.loadOrFail(r); {
		case s == nil:
		case s.authenticatedWithin(maxAge):
			next.ServeHTTP(w, r)
		default:
			stale.ServeHTTP(w, r)
		}
	}))
}

// authenticatedWithin reports whether the session was renewed less than d ago.
func (s *Session) authenticatedWithin(d time.Duration) bool {
	at := s.AuthenticatedAt()
	return !at.IsZero() && time.Since(at) < d
}
