package txn

import (
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/rotation"
)

// state is the part of a transaction that a savepoint holds and a rollback restores.
type state struct {
	identity
	view    view // on top of what is stored
	began   bool // this request began the session
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
	use   rotation.Use

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
	limits  *records.Limits
	owner   *string
	labels  []*envelope.Label // of different names; no value: to be removed
}

// any reports whether anything is requested.
func (r *requested) any() bool {
	return r.renew || r.persist != nil || r.limits != nil || r.owner != nil || len(r.labels) > 0
}

// same reports whether the same was requested, by the same calls.
func (r *requested) same(as *requested) bool {
	return r.renew == as.renew && r.persist == as.persist && r.limits == as.limits && r.owner == as.owner &&
		slices.Equal(r.labels, as.labels)
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
	return len(st.changes) > 0 || st.cleared || st.requested.any()
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
	epoch     int32
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
	*d = t.snapshotLocked()
}

func (t *Txn) snapshotLocked() snapshot {
	st := &t.state
	st.view.shared = true
	return snapshot{
		identity:     st.identity,
		requested:    st.requested,
		view:         st.view,
		epoch:        t.epoch,
		destroyed:    st.destroyed,
		encoding:     st.encoding,
		readWriteSet: readWriteSet{changes: st.changes, cleared: st.cleared, reads: &st.reads, base: st.view.base},
	}
}

// asks reports whether the request has changed keys, the owner, labels or the limits, if only
// to what they are.
func (d *snapshot) asks() bool {
	return len(d.changes) > 0 || d.cleared || d.owner != nil || len(d.labels) > 0 || d.limits != nil
}

// isSince reports whether the session is still that of d: since then it was neither
// cleared, renewed nor destroyed, and nothing of it was undone.
func (t *Txn) isSince(d *snapshot) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.epoch == d.epoch && t.state.id == d.id && t.state.requested.same(&d.requested)
}

// needed reports whether there is anything to save.
func (d *snapshot) needed() bool {
	stored := d.view.base.Version > 0
	return d.renew || d.view.changed() || d.persist != nil && stored || d.relimits() && stored ||
		d.otherOwner() ||
		d.changesLabels(d.view.base)
}

// relimits reports whether d changes the limits of the stored session.
func (d *snapshot) relimits() bool {
	return d.limits != nil && d.limits.On(d.view.base.Fields) != d.view.base.Fields
}
