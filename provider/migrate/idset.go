package migrate

import "sync"

// maxIDs is the number of IDs in each half of an idSet, some megabytes in all.
const maxIDs = 1 << 15

// idSet is a set of IDs of limited size, which forgets the oldest ones. The zero idSet is
// empty.
type idSet struct {
	mu       sync.RWMutex
	new, old map[string]struct{}
}

func (s *idSet) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.new[id]; ok {
		return
	}
	if s.new == nil || len(s.new) >= maxIDs {
		s.new, s.old = make(map[string]struct{}), s.new
	}
	s.new[id] = struct{}{}
}

// has reports whether id is in the set. It keeps an ID that is in use.
func (s *idSet) has(id string) bool {
	s.mu.RLock()
	_, isNew := s.new[id]
	_, isOld := s.old[id]
	s.mu.RUnlock()
	if isOld && !isNew {
		s.add(id)
	}
	return isNew || isOld
}
