package session

import (
	"slices"
	"time"
)

// state is what a savepoint of the session holds and a rollback restores.
type state struct {
	identity
	began   bool // this request began the session
	view    view // on top of what is stored
	cleared bool
	changes []change // after the Clear, if any
	reads   reads
	orders
	popped   []change // what was taken, of keys that are not LastWriteWins
	encoding error    // a value that could not be encoded
	doomed   *doomed  // the session that Destroy has ended and the commit will bury
}

// identity says which record a session is.
type identity struct {
	token []byte // what the cookie holds; nil while not stored
	id    string // the record's ID, a hash of the token; "" while not stored

	predecessor *predecessor // nil, unless the visitor's cookie is that of a tombstone
}

// orders are what the request asked for other than changes of keys.
type orders struct {
	renew   bool
	persist *time.Duration
	owner   *string
}

// doomed is a session between Destroy and the commit.
type doomed struct {
	identity
	base   *content
	reads  reads
	popped []change
	cookie bool // the browser's is to be cleared

	revoked bool   // from outside: whatever it holds
	named   bool   // if revoked: by its public ID, so that it is told if there is no session
	owner   string // if revoked: of this owner alone; "": whosever it is
	spared  string // if revoked: the ID at which to stop
	inside  bool   // if revoked: by a request of its browser, whose answer changes the cookie
}

// savepoint returns the state to roll back to.
func (s *Session) savepoint() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.clone()
}

// rollback restores a savepoint.
func (s *Session) rollback(to state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rollbackLocked(to)
}

func (s *Session) rollbackLocked(to state) {
	s.epoch++
	s.state = to.clone()
}

func (st *state) clone() state {
	st.view.shared = true
	clone := *st
	clone.changes, clone.popped = slices.Clip(st.changes), slices.Clip(st.popped)
	clone.reads.keys = st.reads.keys.clone()
	return clone
}
