package soak_test

import "sync"

// A tally counts by name.
type tally struct {
	mu sync.Mutex
	by map[string]int
}

func (y *tally) add(name string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.by == nil {
		y.by = map[string]int{}
	}
	y.by[name]++
}

func (y *tally) count(name string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.by[name]
}
