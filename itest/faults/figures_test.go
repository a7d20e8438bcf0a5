package faults_test

import (
	"fmt"
	"time"
)

// figures are what a test measures.
type figures struct {
	slowest                 time.Duration
	acked, refused, unknown int
	landed                  int // of the unknown ones
}

func (l *ledger[T]) figures() figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return figures{slowest: l.slowest, acked: len(l.acked), refused: len(l.refused), unknown: len(l.unknown)}
}

func (f *figures) add(g figures) {
	f.slowest = max(f.slowest, g.slowest)
	f.acked += g.acked
	f.refused += g.refused
	f.unknown += g.unknown
	f.landed += g.landed
}

func (f figures) String() string {
	return fmt.Sprintf("slowest %4d ms; acknowledged %4d, refused %4d, unknown %3d (%d landed)",
		f.slowest.Milliseconds(), f.acked, f.refused, f.unknown, f.landed)
}
