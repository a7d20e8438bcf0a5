package session

// rebase applies the request's changes to a newer content. Closures of
// Key.Update run without the lock and see the state that is being built.
func (s *Session) rebase(now *content) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rebaseLocked(now)
}

func (s *Session) rebaseLocked(now *content) error {
	st := &s.state
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
		own, err := s.reapply(c)
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
func (s *Session) reapply(c change) (ownCell, error) {
	switch {
	case c.verb == verbUpdate:
		return s.runUpdate(c.key, c.blind, c.update)
	case c.merge != nil && !s.state.view.cleared:
		return s.runMerge(c)
	default:
		return ownCell{cell: c.told}, nil
	}
}

// runUpdate returns what an Update makes of its key. What it sees of that, and
// what its closure reads, are soft reads.
func (s *Session) runUpdate(key string, blind bool, fn update) (ownCell, error) {
	s.closures++
	old := s.see(key, blind)
	_, derived := s.state.view.cell(key)
	c, err := s.unlocked(fn, old)
	return ownCell{c, true, derived}, err
}

// runMerge returns what the three-way merge of a Set makes of its key.
func (s *Session) runMerge(c change) (ownCell, error) {
	theirs := s.state.view.base.cell(c.key)
	if !theirs.present || theirs.equal(c.merge.base) {
		return ownCell{cell: c.told}, nil
	}
	s.state.reads.nonEmpty = true
	s.closures++
	merged, err := s.unlocked(func(theirs cell) (cell, error) {
		return c.merge.fn(c.merge.base, c.told, theirs)
	}, theirs)
	return ownCell{cell: merged}, err
}

// landed makes next, which stores d under who, the content that the session
// stands on. What was changed since d was taken stays pending.
func (s *Session) landed(d *draft, who identity, next *content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	s.touched = true // a save extends as well
	s.committed++
	if st.doomed != nil { // the session was destroyed while it was being saved
		st.doomed.identity, st.doomed.base, st.doomed.cookie = who, next, true
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
	s.consume(d, next)
}

// idled is landed of a d that came to nothing. It is done all the same: what
// others save from now on, a later commit must not undo by it.
func (s *Session) idled(d *draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch == d.epoch {
		if s.state.owner == d.owner {
			s.state.owner = nil
		}
		s.consume(d, d.view.base)
	}
}

// consume takes the changes of d off what is pending, now that next holds them.
func (s *Session) consume(d *draft, next *content) {
	st := &s.state
	st.reads.settle(d.work, next)
	if s.epoch == d.epoch { // nothing of what d holds was undone
		st.changes = st.changes[len(d.changes):]
		st.cleared, st.popped = false, nil
	}
	if len(st.changes) == 0 {
		st.changes, st.view = nil, view{base: next, cleared: st.cleared}
		return
	}
	_ = s.rebaseLocked(next) // an error is kept for the commit of the rest
}
