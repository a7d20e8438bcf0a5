package txn

import (
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// state is what a savepoint of the session holds and a rollback restores.
type state struct {
	identity
	began   bool // this request began the session
	view    view // on top of what is stored
	cleared bool
	changes []change // after the Clear, if any
	reads   reads
	requested
	popped    []change        // what was taken, of keys that are not LastWriteWins
	encoding  error           // a value that could not be encoded
	destroyed *pendingDestroy // the session that Destroy has ended, until the commit
}

// identity says which record a session is.
type identity struct {
	token []byte // what the cookie holds; nil while not stored
	id    string // the record's ID, a hash of the token; "" while not stored

	predecessor *predecessor // nil, unless the visitor's cookie is that of a tombstone
}

// predecessor is the session that has ended, and whose cookie the visitor still has.
type predecessor struct {
	id      string           // of its tombstone
	content *records.Content // nil: to be read
}

// requested is what the request asked for other than changes of keys.
type requested struct {
	renew   bool
	persist *time.Duration
	owner   *string
}

// pendingDestroy is a session between Destroy and the commit.
type pendingDestroy struct {
	identity
	base   *records.Content
	reads  reads
	popped []change
	cookie bool // the browser's is to be cleared
}

// pending reports whether the request has asked for anything.
func (st *state) pending() bool {
	return len(st.changes) > 0 || st.cleared || st.renew || st.persist != nil || st.owner != nil
}

// savepoint returns the state to roll back to.
func (t *Txn) savepoint() state {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.clone()
}

// rollback restores a savepoint, but for what the handler or the closure that is undone
// may have told its surroundings.
func (t *Txn) rollback(to state) {
	t.mu.Lock()
	defer t.mu.Unlock()
	nonEmpty := t.state.reads.nonEmpty
	t.epoch++
	t.state = to.clone()
	t.state.reads.nonEmpty = nonEmpty
}

func (st *state) clone() state {
	st.view.shared = true
	clone := *st
	clone.changes, clone.popped = slices.Clip(st.changes), slices.Clip(st.popped)
	clone.reads.keys = st.reads.keys.clone()
	return clone
}

// snapshot is the session as one save is to store it.
type snapshot struct {
	identity
	requested
	readWriteSet
	view      view
	epoch     int
	destroyed *pendingDestroy // to be ended before
	encoding  error           // why it cannot be saved
}

// snapshot returns the session as it stands. So small, it is inlined, and what it returns
// stays on the stack.
func (t *Txn) snapshot() *snapshot {
	d := new(snapshot)
	t.takeSnapshot(d)
	return d
}

// takeSnapshot makes d the session as it stands. The view is shared until it changes.
func (t *Txn) takeSnapshot(d *snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	st.view.shared = true
	*d = snapshot{
		identity:     st.identity,
		requested:    st.requested,
		view:         st.view,
		epoch:        t.epoch,
		destroyed:    st.destroyed,
		encoding:     st.encoding,
		readWriteSet: readWriteSet{changes: st.changes, cleared: st.cleared, reads: &st.reads, base: st.view.base},
	}
}

// needed reports whether there is anything to save.
func (d *snapshot) needed() bool {
	return d.renew || d.view.changed() || d.persist != nil && d.view.base.Version > 0 ||
		d.owner != nil && *d.owner != d.view.base.Owner
}
