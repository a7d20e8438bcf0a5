package browsers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
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

// want fails the test if one of these was never seen in a simulation that is large enough.
func (s *sights) want(t *testing.T, all ...string) {
	t.Helper()
	t.Logf("seen:\n%v", s)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sight := range all {
		if s.seen[sight] == 0 && *count >= 500 && !t.Failed() {
			t.Errorf("never seen: %s", sight)
		}
	}
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
