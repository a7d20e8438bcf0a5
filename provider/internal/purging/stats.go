package purging

import (
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// Stats add up what the calls of Purge of one Provider have done. The zero Stats are empty.
// They are safe for concurrent use.
type Stats struct {
	mu  sync.Mutex
	sum provider.PurgeStats
}

// Note adds the results of a Purge, which has ended now.
func (s *Stats) Note(removed int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Removed += removed
	if err == nil {
		s.sum.Last = time.Now()
	}
}

// Sum returns what was noted so far.
func (s *Stats) Sum() provider.PurgeStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}
