// Package witness has what a test of many clients holds their stories against.
package witness

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Ledger notes what became of changes that are told apart by a token of type T,
// to hold it against what is stored in the end.
type Ledger[T comparable] struct {
	mu       sync.Mutex
	acked    []T        // answered with success: must be stored
	refused  map[T]bool // answered with "nothing was saved": must not be
	unknown  map[T]bool // may be or not
	problems []string
	slowest  time.Duration

	Forgetful atomic.Bool // what is acknowledged now may be lost
}

// NewLedger returns an empty one.
func NewLedger[T comparable]() *Ledger[T] {
	return &Ledger[T]{refused: map[T]bool{}, unknown: map[T]bool{}}
}

// Acks returns what acknowledges a change that begins now.
func (l *Ledger[T]) Acks() func(T) {
	forgetful := l.Forgetful.Load()
	return func(token T) {
		if forgetful || l.Forgetful.Load() {
			l.Doubt(token)
		} else {
			l.Ack(token)
		}
	}
}

// Ack notes a change that was acknowledged.
func (l *Ledger[T]) Ack(token T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, token)
}

// Refuse notes one of which the answer says that nothing was saved.
func (l *Ledger[T]) Refuse(token T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[token] = true
}

// Doubt notes one of which nobody knows.
func (l *Ledger[T]) Doubt(token T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unknown[token] = true
}

// Settled returns what has been acknowledged by now.
func (l *Ledger[T]) Settled() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked[:len(l.acked):len(l.acked)]
}

// Took notes how long something took.
func (l *Ledger[T]) Took(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, d)
}

// Problem notes what ought not to be. Of a flood of them the first will do.
func (l *Ledger[T]) Problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) < 10 {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// Audit holds what is stored against the ledger.
func (l *Ledger[T]) Audit(what string, stored []T) {
	l.mu.Lock()
	acked, refused, unknown := slices.Clone(l.acked), maps.Clone(l.refused), maps.Clone(l.unknown)
	l.mu.Unlock()
	times := map[T]int{}
	for _, token := range stored {
		times[token]++
	}
	for _, token := range acked {
		if times[token] == 0 {
			l.Problem("%s: lost %v, which was acknowledged", what, token)
		}
	}
	known := map[T]bool{}
	for _, token := range acked {
		known[token] = true
	}
	for token, n := range times {
		switch {
		case n > 1:
			l.Problem("%s: applied %v %d times", what, token, n)
		case refused[token]:
			l.Problem("%s: applied %v, which was denied", what, token)
		case !known[token] && !unknown[token]:
			l.Problem("%s: holds %v, which nobody has sent", what, token)
		}
	}
}

// Landed counts the unknown ones that are stored.
func (l *Ledger[T]) Landed(stored []T) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, token := range stored {
		if l.unknown[token] {
			n++
		}
	}
	return n
}

// Problems returns what ought not to be.
func (l *Ledger[T]) Problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.problems)
}
