package witness

import (
	"fmt"
	"time"
)

// Figures are what a test measures.
type Figures struct {
	Slowest                 time.Duration
	Acked, Refused, Unknown int
	Landed                  int // of the unknown ones
}

// Figures returns those of the ledger, all but Landed.
func (l *Ledger[T]) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Figures{Slowest: l.slowest, Acked: len(l.acked), Refused: len(l.refused), Unknown: len(l.unknown)}
}

// Add adds those of another ledger.
func (f *Figures) Add(g Figures) {
	f.Slowest = max(f.Slowest, g.Slowest)
	f.Acked += g.Acked
	f.Refused += g.Refused
	f.Unknown += g.Unknown
	f.Landed += g.Landed
}

func (f Figures) String() string {
	return fmt.Sprintf("slowest %4d ms; acknowledged %4d, refused %4d, unknown %3d (%d landed)",
		f.Slowest.Milliseconds(), f.Acked, f.Refused, f.Unknown, f.Landed)
}
