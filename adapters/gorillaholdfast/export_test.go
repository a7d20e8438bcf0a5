package gorillaholdfast

// States returns the number of sessions that s knows of.
func States(s *Store) (n int) {
	s.states.all.Range(func(any, any) bool { n++; return true })
	return n
}

// Managers returns the number of Managers that s keeps.
func Managers(s *Store) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.managers)
}
