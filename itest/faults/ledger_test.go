package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A ledger notes what became of changes that are told apart by a token of type T,
// to hold it against what is stored in the end.
type ledger[T comparable] struct {
	mu       sync.Mutex
	acked    []T        // answered with success: must be stored
	refused  map[T]bool // answered with "nothing was saved": must not be
	unknown  map[T]bool // may be or not
	problems []string
	slowest  time.Duration

	forgetful atomic.Bool // what is acknowledged now may be lost
}

func newLedger[T comparable]() *ledger[T] {
	return &ledger[T]{refused: map[T]bool{}, unknown: map[T]bool{}}
}

// acks returns what acknowledges a change that begins now.
func (l *ledger[T]) acks() func(T) {
	forgetful := l.forgetful.Load()
	return func(token T) {
		if forgetful || l.forgetful.Load() {
			l.doubt(token)
		} else {
			l.ack(token)
		}
	}
}

func (l *ledger[T]) ack(token T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, token)
}

func (l *ledger[T]) refuse(token T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[token] = true
}

func (l *ledger[T]) doubt(token T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unknown[token] = true
}

// settled returns what has been acknowledged by now.
func (l *ledger[T]) settled() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked[:len(l.acked):len(l.acked)]
}

// took notes how long something took.
func (l *ledger[T]) took(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, d)
}

// problem notes what ought not to be. Of a flood of them the first will do.
func (l *ledger[T]) problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) < 10 {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// audit holds what is stored against the ledger.
func (l *ledger[T]) audit(what string, stored []T) {
	l.mu.Lock()
	acked, refused, unknown := slices.Clone(l.acked), maps.Clone(l.refused), maps.Clone(l.unknown)
	l.mu.Unlock()
	times := map[T]int{}
	for _, token := range stored {
		times[token]++
	}
	for _, token := range acked {
		if times[token] == 0 {
			l.problem("%s: lost %v, which was acknowledged", what, token)
		}
	}
	known := map[T]bool{}
	for _, token := range acked {
		known[token] = true
	}
	for token, n := range times {
		switch {
		case n > 1:
			l.problem("%s: applied %v %d times", what, token, n)
		case refused[token]:
			l.problem("%s: applied %v, which was denied", what, token)
		case !known[token] && !unknown[token]:
			l.problem("%s: holds %v, which nobody has sent", what, token)
		}
	}
}

// landed counts the unknown ones that are stored.
func (l *ledger[T]) landed(stored []T) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, token := range stored {
		if l.unknown[token] {
			n++
		}
	}
	return n
}
