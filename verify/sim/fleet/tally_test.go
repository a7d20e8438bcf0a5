package fleet

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// call is a method of a provider.
type call int

const (
	callFetch call = iota
	callSave
	callDelete
	calls
)

// kind is what a record is.
type kind int

const (
	kindSession kind = iota
	kindIndex        // of an owner's sessions
	kindRing
	kindNone // a fetch has found none, or the call is a Delete
	kinds
)

func kindOf(rec *provider.Record) kind {
	switch {
	case rec == nil:
		return kindNone
	case rec.Format == "holdfast-owner-index":
		return kindIndex
	case rec.Format == "holdfast-keyring":
		return kindRing
	}
	return kindSession
}

// outcome is what a visitor sees of a request.
type outcome int

const (
	served outcome = iota
	conflict
	unavailable
	lost      // the database has lost the session, and the user is signed out
	signedOut // without that reason
	outcomes
)

// second is what has happened in one second.
type second struct {
	calls     [calls][kinds]int
	conflicts [kinds]int
	requests  [outcomes]int
	latency   histogram
	connects  int
	busy      time.Duration // of all workers of the database
	queue     int           // the longest, of the database
	pool      int           // the longest, of an instance's connections
	ringPeak  int           // of a sum: the most calls for the key ring in one of the seconds
}

// tally counts by the second.
type tally struct {
	mu      sync.Mutex
	began   time.Time
	seconds []second
}

func (t *tally) at(when time.Time, note func(*second)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := int(when.Sub(t.began) / time.Second)
	for len(t.seconds) <= i {
		t.seconds = append(t.seconds, second{})
	}
	note(&t.seconds[i])
}

// restart forgets all, and begins to count.
func (t *tally) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began, t.seconds = time.Now(), nil
}

func (t *tally) called(c call, rec *provider.Record, err error) {
	t.at(time.Now(), func(s *second) {
		s.calls[c][kindOf(rec)]++
		if errors.Is(err, provider.ErrVersionConflict) {
			s.conflicts[kindOf(rec)]++
		}
	})
}

func (t *tally) connected() { t.at(time.Now(), func(s *second) { s.connects++ }) }

func (t *tally) admitted(now time.Time, busy time.Duration, queue int) {
	t.at(now, func(s *second) {
		s.busy += busy
		s.queue = max(s.queue, queue)
	})
}

func (t *tally) poolQueued(n int) { t.at(time.Now(), func(s *second) { s.pool = max(s.pool, n) }) }

// answered counts a request in the second in which it was sent.
func (t *tally) answered(sent time.Time, o outcome) {
	t.at(sent, func(s *second) {
		s.requests[o]++
		s.latency.add(time.Since(sent))
	})
}

// between returns the sum of the seconds from a to before b; the last one if b is negative.
func (t *tally) between(a, b int) (sum second) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b < 0 || b > len(t.seconds) {
		b = len(t.seconds)
	}
	for i := range t.seconds[min(a, b):b] {
		sum.add(&t.seconds[a+i])
	}
	return sum
}

func (s *second) add(o *second) {
	for c := range calls {
		for k := range kinds {
			s.calls[c][k] += o.calls[c][k]
		}
	}
	for k := range kinds {
		s.conflicts[k] += o.conflicts[k]
	}
	for r := range outcomes {
		s.requests[r] += o.requests[r]
	}
	for i, n := range o.latency {
		s.latency[i] += n
	}
	s.connects += o.connects
	s.busy += o.busy
	s.queue = max(s.queue, o.queue)
	s.pool = max(s.pool, o.pool)
	s.ringPeak = max(s.ringPeak, o.ringCalls())
}

// ringCalls is how many calls were for the key ring.
func (s *second) ringCalls() int { return s.calls[callFetch][kindRing] + s.calls[callSave][kindRing] }

func (s *second) allCalls() (n int) {
	for c := range calls {
		for k := range kinds {
			n += s.calls[c][k]
		}
	}
	return n
}

func (s *second) allRequests() (n int) {
	for _, r := range s.requests {
		n += r
	}
	return n
}

// histogram counts latencies, eight intervals for each doubling.
type histogram [200]int

func (h *histogram) add(d time.Duration) {
	us := max(1, float64(d)/float64(time.Microsecond))
	h[min(int(8*math.Log2(us)), len(h)-1)]++
}

// quantile returns the upper end of the interval in which the quantile is.
func (h *histogram) quantile(p float64) time.Duration {
	total := 0
	for _, n := range h {
		total += n
	}
	left := int(math.Ceil(p * float64(total)))
	for i, n := range h {
		if left -= n; left <= 0 && n > 0 {
			return time.Duration(math.Exp2(float64(i+1)/8) * float64(time.Microsecond))
		}
	}
	return 0
}
