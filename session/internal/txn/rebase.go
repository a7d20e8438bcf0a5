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
	err := t.putOn(now)
	if err != nil {
		t.state.encoding = err
	}
	return err
}

// putOn is rebaseLocked that does not keep the error.
func (t *Txn) putOn(now *records.Content) error {
	st := &t.state
	before, epoch, done := st.view, t.epoch, false
	defer func() {
		if !done && t.epoch == epoch { // also if a closure panics: a partial view must never be saved
			st.view = before
		}
	}()
	st.view = view{base: now}
	if st.cleared {
		st.view.clear()
	}
	for i := 0; i < len(st.changes); i++ { // other goroutines may add changes while a closure runs
		c := st.changes[i]
		own, err := t.reapply(c)
		if t.epoch != epoch { // a Clear or a Destroy has undone all while the closure ran
			break
		}
		if err != nil {
			return err
		}
		st.view.put(c.key, own)
	}
	done = true
	return nil
}

// reapply returns the result of c for its key in the present view.
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

// runUpdate returns the result of an Update for its key. The old value and the reads of
// its closure are soft reads.
func (t *Txn) runUpdate(key string, lastWriteWins bool, fn Update) (ownValue, error) {
	t.closures++
	old := t.see(key, lastWriteWins)
	_, derived := t.state.view.value(key)
	v, err := t.unlocked(fn, old)
	return ownValue{v, true, derived}, err
}

// runMerge returns the result of the three-way merge of a Set for its key.
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

// committed makes next, which stores d under who, the base of the session. Changes made
// after d was taken stay pending.
func (t *Txn) committed(d *snapshot, who identity, next *records.Content) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	t.touched = true // a save extends as well
	t.commits++
	if st.destroyed != nil { // the session was destroyed during the save
		st.destroyed.identity, st.destroyed.base, st.destroyed.cookie = who, next, true
		return
	}
	st.identity = who
	st.renew = st.renew && !d.renew
	if st.persist == d.persist {
		st.persist = nil
	}
	if st.limits == d.limits {
		st.limits = nil
	}
	if st.owner == d.owner {
		st.owner = nil
	}
	st.settleLabels(d.labels)
	t.consume(d, next)
}

// committedNoop records a commit of d that needed no write. The changes are removed all
// the same, so that a later commit does not apply them to what others save from now on.
func (t *Txn) committedNoop(d *snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch == d.epoch {
		if t.state.owner == d.owner {
			t.state.owner = nil
		}
		if t.state.limits == d.limits && t.state.id != "" {
			t.state.limits = nil
		}
		t.state.settleLabels(d.labels)
		t.consume(d, d.view.base)
	}
}

// consume removes the changes of d from the pending ones, because next contains them.
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
