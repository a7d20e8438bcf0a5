package fleet

import (
	"sync"
	"time"
)

// clock lets every wait end at an instant of its own, so that one goroutine runs at a time
// and a seed gives the same run each time.
type clock struct {
	mu    sync.Mutex
	taken map[int64]struct{}
}

func newClock() *clock { return &clock{taken: map[int64]struct{}{}} }

// until waits until at, or a few nanoseconds longer.
func (c *clock) until(at time.Time) {
	now := time.Now()
	ns := max(at.UnixNano(), now.UnixNano()+1)
	c.mu.Lock()
	for c.has(ns) {
		ns++
	}
	c.taken[ns] = struct{}{}
	c.mu.Unlock()
	time.Sleep(time.Duration(ns - now.UnixNano()))
	c.mu.Lock()
	delete(c.taken, ns)
	c.mu.Unlock()
}

func (c *clock) wait(d time.Duration) { c.until(time.Now().Add(d)) }

func (c *clock) has(ns int64) bool {
	_, ok := c.taken[ns]
	return ok
}
