package browsers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// sights counts what the browsers have met with.
type sights struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *sights) add(sight string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[sight]++
}

func (s *sights) count(sight string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[sight]
}

func (s *sights) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, sight := range slices.Sorted(maps.Keys(s.seen)) {
		fmt.Fprintf(&b, "%8d %s\n", s.seen[sight], sight)
	}
	return b.String()
}
