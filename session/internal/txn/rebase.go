package txn

import "github.com/holdfast-go/holdfast/session/internal/records"

// rebase applies the request's changes to a newer content. Closures of Key.Update run
// without the lock and see the state that is being built.
func (t *Txn) rebase(now *records.Content) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rebaseLocked(now)
}

func (t *Txn) rebaseLocked(now *records.Content) error {
	st := &t.state
	before, done := st.view, false
	defer func() {
		if !done { // also if a closure panics: half a view must never be saved
			st.view = before
		}
	}()
	st.view = view{base: now}
	if st.cleared {
		st.view.clear()
	}
	for i := 0; i < len(st.changes); i++ { // closures may let others add some
		c := st.changes[i]
		own, err := t.reapply(c)
		if err != nil {
			st.encoding = err
			return err
		}
		st.view.put(c.key, own)
	}
	done = true
	return nil
}

// reapply returns what c makes of its key in the view as it stands.
func (t *Txn) reapply(c change) (ownValue, error) {
	switch {
	case c.verb == verbUpdate:
		return t.runUpdate(c.key, c.lastWriteWins, c.update)
	case c.merge != nil && !t.state.view.cleared:
		return t.runMerge(c)
	default:
		return ownValue{Value: c.result}, nil
	}
}

// runUpdate returns what an Update makes of its key. The value that it sees of that, and
// what its closure reads, are soft reads.
func (t *Txn) runUpdate(key string, lastWriteWins bool, fn Update) (ownValue, error) {
	t.closures++
	old := t.see(key, lastWriteWins)
	_, derived := t.state.view.value(key)
	v, err := t.unlocked(fn, old)
	return ownValue{v, true, derived}, err
}

// runMerge returns what the three-way merge of a Set makes of its key.
func (t *Txn) runMerge(c change) (ownValue, error) {
	theirs := valueIn(t.state.view.base, c.key)
	if !theirs.Present || theirs.Equal(c.merge.base) {
		return ownValue{Value: c.result}, nil
	}
	t.state.reads.nonEmpty = true
	t.closures++
	merged, err := t.unlocked(func(theirs Value) (Value, error) {
		return c.merge.Merge(c.merge.base, c.result, theirs)
	}, theirs)
	return ownValue{Value: merged}, err
}

// committed makes next, which stores d under who, the content that the session stands on.
// What was changed since d was taken stays pending.
func (t *Txn) committed(d *snapshot, who identity, next *records.Content) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	t.touched = true // a save extends as well
	t.commits++
	if st.destroyed != nil { // the session was destroyed while it was being saved
		st.destroyed.identity, st.destroyed.base, st.destroyed.cookie = who, next, true
		return
	}
	st.identity = who
	st.renew = st.renew && !d.renew
	if st.persist == d.persist {
		st.persist = nil
	}
	if st.owner == d.owner {
		st.owner = nil
	}
	t.consume(d, next)
}

// committedNoop records a commit of d that needed no write. It is done all the same: a
// later commit must not undo by it what others save from now on.
func (t *Txn) committedNoop(d *snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch == d.epoch {
		if t.state.owner == d.owner {
			t.state.owner = nil
		}
		t.consume(d, d.view.base)
	}
}

// consume takes the changes of d off the pending ones, now that next holds them.
func (t *Txn) consume(d *snapshot, next *records.Content) {
	st := &t.state
	st.reads.settle(d.readWriteSet, next)
	if t.epoch == d.epoch { // nothing of d was undone
		st.changes = st.changes[len(d.changes):]
		st.cleared, st.popped = false, nil
	}
	if len(st.changes) == 0 {
		st.changes, st.view = nil, view{base: next, cleared: st.cleared}
		return
	}
	_ = t.rebaseLocked(next) // an error is kept for the commit of the rest
}
