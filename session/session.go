package session

import (
	"cmp"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/lane"
)

// Session is one visitor's session, as one request sees it: what was stored
// when it was loaded, with the request's own changes on top. The methods and
// those of [Key] only change memory; what they ask for is committed when the
// response begins or the handler returns, or by Save and Update.
//
// A Session is safe for concurrent use. After its request Get goes on working, and
// so does Update. Any other change is refused then: it is logged, and the next Save
// or Update returns ErrRequestDone, as it does if changes were dropped when the request
// ended.
type Session struct {
	m    *Manager
	pass *passage // of the request, for its cookie

	loaded identity    // as the request came with it
	others []candidate // came with it as well and live; under mu
	unread *doomed     // the stored session, if its codec is not known; under mu

	mu           sync.Mutex
	state        state
	epoch        int           // counts what undid changes: Clear, Destroy, a rollback
	touched      bool          // extended, or a touch was tried
	closures     int           // closures of Key.Update that run at the moment
	busy         bool          // a commit or an Update runs
	left         chan struct{} // closed when it has ended; nil: nobody waits for that
	updating     bool          // a closure of Session.Update runs
	doomedBefore *doomed       // what was doomed when it began
	ended        bool          // the request is over
	failed       error         // of a commit; later ones of the request return it
	reported     bool          // the handler has seen its last Save or Update fail
	committed    int           // commits of this request that landed or may have
	turn         *lane.Turn    // the place in the lane, between commits
}

// PublicID returns the public name of the session: the ID of its record, a hash
// of what the cookie holds, of no use to who steals it. It is "" until the
// session is stored, and Renew changes it.
func (s *Session) PublicID() string {
	s.lock()
	defer s.mu.Unlock()
	return s.state.id
}

// IsNew reports whether this request began the session: it came without the
// cookie of a live one, or with those of several: see [Cookie].
func (s *Session) IsNew() bool {
	s.lock()
	defer s.mu.Unlock()
	return s.state.began
}

// CreatedAt returns when the session began. Renew keeps it.
func (s *Session) CreatedAt() time.Time {
	s.lock()
	defer s.mu.Unlock()
	return s.state.view.base.Created
}

// LastSeenAt returns when the session was last used: of one that has an owner, give
// or take Config.TouchInterval; of others, when it was last saved. It is zero until
// the session is stored.
func (s *Session) LastSeenAt() time.Time {
	s.lock()
	defer s.mu.Unlock()
	return s.state.view.base.Seen
}

// ExpiresAt returns when the session, as it was last loaded or saved, will end
// unless it is used before. It is zero until the session is stored.
func (s *Session) ExpiresAt() time.Time {
	s.lock()
	defer s.mu.Unlock()
	return s.state.view.base.expires
}

// Keys returns the names of the values, sorted.
func (s *Session) Keys() []string {
	s.lock()
	defer s.mu.Unlock()
	if st := &s.state; !st.view.cleared {
		st.reads.noteListing(st.view.base, s.closures > 0)
		st.reads.nonEmpty = st.reads.nonEmpty || st.view.base.Entries.Len() > 0
	}
	return s.state.view.keys()
}

// Clear removes every value that there is when it is committed, also one that
// a parallel request adds meanwhile. The session goes on; to log a user out,
// Destroy it.
func (s *Session) Clear() {
	s.mutate("Clear", func(st *state) {
		st.reads.harden()
		s.epoch++
		st.changes = nil
		st.cleared = true
		st.view.clear()
	})
}

// Renew gives the session a new ID and the visitor a new cookie, and restarts
// the lifetime. Call it on every change of privilege, such as a login: whoever
// knew the old cookie (session fixation) is anonymous from then on.
//
// Where another request has renewed or ended the session first, Renew begins an empty
// one, so that a login clicked twice works. It is ErrEnded if this request has read
// anything of the session but that it was not there: see the package's text on conflicts.
func (s *Session) Renew() {
	s.mutate("Renew", func(st *state) {
		st.reads.harden()
		st.renew = true
		st.doomed = cmp.Or(st.doomed, s.unread)
	})
}

// Destroy ends the session and clears the visitor's cookie. If the request came with
// the cookies of several sessions that live, it ends them all: see [Cookie]. What is
// set after it begins a new session. If the session is gone already, that is success,
// but what is set after it is ErrEnded if this request has read anything of it. At
// LevelSerializable and LevelStrict a Destroy may conflict like any change: a
// logout of a handler that reads nothing conflicts at LevelStrict only, and
// Replay repeats it.
func (s *Session) Destroy() {
	s.mutate("Destroy", func(st *state) {
		st.reads.harden()
		s.epoch++
		*st = state{
			identity: identity{predecessor: st.predecessor},
			view:     view{base: s.m.freshContent()},
			popped:   st.popped,
			doomed:   s.doom(),
			reads:    reads{ended: st.reads.ended},
			began:    true,
		}
	})
}

// Persist keeps the session beyond the end of the browser ("remember me"): it
// ends d from now, or when it would have anyway if that is later, at most
// Config.PersistLifetime after it began or was renewed. It may be idle until then,
// or for Config.PersistIdleTimeout. Its cookie gets a Max-Age. A d of zero or less takes
// that back. A session without values is not stored for it.
//
// d counts from the call, not from the last use. To let it slide, call Persist again
// when the user comes back: see the example. Each call that changes something costs a
// save and sets the cookie again.
func (s *Session) Persist(d time.Duration) {
	s.mutate("Persist", func(st *state) {
		st.reads.harden()
		st.persist = &d
	})
}
