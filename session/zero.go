package session

// lock acquires s.mu, of a Session that a Manager has made.
func (s *Session) lock() {
	if s == nil || s.m == nil {
		s.refuse()
	}
	s.mu.Lock()
}

func (s *Session) refuse() {
	if s == nil {
		panic("session: use of a nil *Session; look at the error that came with it")
	}
	panic("session: use of a Session that no Manager has made; take the one of Load, HandlerFunc or Manager.Sessions")
}

// lockFor acquires s.mu for an operation on key.
func (s *Session) lockFor(key string) {
	if key == "" {
		panic("session: use of a Key that NewKey has not made")
	}
	s.lock()
}

// check panics unless New has made m.
func (m *Manager) check() {
	if m == nil || m.store == nil {
		panic("session: use of a Manager that New has not made; look at the error of New")
	}
}
