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
	st.view = view{base: now}
	if st.cleared {
		st.view.clear()
	}
	for i := 0; i < len(st.changes); i++ { // closures may let others add some
		c := st.changes[i]
		value, derived, err := s.reapply(c)
		if err != nil {
			st.encoding = err
			return err
		}
		st.view.put(c.key, cell{value, c.verb == verbSet || c.verb == verbUpdate}, derived)
	}
	return nil
}

// reapply returns what c makes of its key in the view as it stands.
func (s *Session) reapply(c change) (value []byte, derived bool, err error) {
	st := &s.state
	switch {
	case c.verb == verbUpdate:
		s.closures++
		old := s.see(c.key, c.blind)
		_, derived = st.view.cell(c.key)
		value, err = s.unlocked(c.update, old)
		return value, derived, err
	case c.verb == verbSet && c.merge != nil && !st.view.cleared:
		theirs := st.view.base.cell(c.key)
		if !theirs.present || theirs.equal(c.merge.base) {
			return c.value, false, nil
		}
		s.closures++
		value, err = s.unlocked(func(theirs cell) ([]byte, error) {
			return c.merge.fn(c.merge.base, cell{c.value, true}, theirs)
		}, theirs)
		return value, false, err
	default:
		return c.value, false, nil
	}
}

// landed makes next, which stores d under who, the content that the session
// stands on. What was changed since d was taken stays pending.
func (s *Session) landed(d *draft, who identity, next *content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	s.committed++
	if st.doomed != nil { // the session was destroyed while it was being saved
		st.doomed.identity, st.doomed.base, st.doomed.cookie = who, next, true
		return
	}
	st.identity = who
	st.reads.settle(d.work, next)
	if s.epoch == d.epoch { // nothing of what d holds was undone
		st.changes = st.changes[len(d.changes):]
		st.cleared, st.popped = false, nil
	}
	st.renew = st.renew && !d.renew
	if st.persist == d.persist {
		st.persist = nil
	}
	if len(st.changes) == 0 {
		st.changes, st.view = nil, view{base: next, cleared: st.cleared}
		return
	}
	_ = s.rebaseLocked(next) // an error is kept for the commit of the rest
}
