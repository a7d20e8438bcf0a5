package txn

import (
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// state is the part of a transaction that a savepoint holds and a rollback restores.
type state struct {
	identity
	began   bool // this request began the session
	view    view // on top of what is stored
	cleared bool
	changes []change // after the Clear, if any
	reads   reads
	requested
	popped    []change        // pops of keys that are not LastWriteWins
	encoding  error           // a value that could not be encoded
	destroyed *pendingDestroy // the session that Destroy has ended, until the commit
}

// identity names the record of a session.
type identity struct {
	token []byte // the token in the cookie; nil while not stored
	id    string // the record's ID, a hash of the token; "" while not stored

	predecessor *predecessor // set if the visitor's cookie is that of a tombstone
}

// predecessor is the ended session whose cookie the visitor still has.
type predecessor struct {
	id      string           // of its tombstone
	content *records.Content // nil: to be read
}

// requested holds the request's changes other than those of keys.
type requested struct {
	renew   bool
	persist *time.Duration
	owner   *string
	labels  []*envelope.Label // of different names; no value: to be removed
}

// pendingDestroy is a session between Destroy and the commit.
type pendingDestroy struct {
	identity
	base   *records.Content
	reads  reads
	popped []change
	cookie bool // clear the browser's cookie
}

// pending reports whether the request has asked for anything.
func (st *state) pending() bool {
	return len(st.changes) > 0 || st.cleared || st.renew || st.persist != nil || st.owner != nil || len(st.labels) > 0
}

// savepoint returns the state to roll back to.
func (t *Txn) savepoint() state {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.clone()
}

// rollback restores a savepoint, except for nonEmpty: the handler or closure that is
// undone may have passed on what it read, also what it read before it called Destroy.
func (t *Txn) rollback(to state) {
	t.mu.Lock()
	defer t.mu.Unlock()
	undone := &t.state
	nonEmpty := undone.reads.nonEmpty
	if b := undone.destroyed; b != nil && b != to.destroyed {
		nonEmpty = nonEmpty || b.reads.nonEmpty
	}
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

// snapshot is the state of the session for one save.
type snapshot struct {
	identity
	requested
	readWriteSet
	view      view
	epoch     int
	destroyed *pendingDestroy // to be ended before
	encoding  error           // why it cannot be saved
}

// snapshot returns a snapshot of the present state. It is small enough to be inlined, so
// the result stays on the stack.
func (t *Txn) snapshot() *snapshot {
	d := new(snapshot)
	t.takeSnapshot(d)
	return d
}

// takeSnapshot sets d to the present state. The view is shared until it changes.
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

// asks reports whether the request has changed keys, the owner or labels, if only to what
// they are.
func (d *snapshot) asks() bool {
	return len(d.changes) > 0 || d.cleared || d.owner != nil || len(d.labels) > 0
}

// needed reports whether there is anything to save.
func (d *snapshot) needed() bool {
	return d.renew || d.view.changed() || d.persist != nil && d.view.base.Version > 0 ||
		d.owner != nil && *d.owner != d.view.base.Owner ||
		d.changesLabels(d.view.base)
}
