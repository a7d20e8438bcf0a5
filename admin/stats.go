package admin

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// hour is the number of minutes that Stats keep.
const hour = 60

// Stats count the events of a Manager over the last hour, by the minute. The zero Stats are
// empty and ready for use; pass Stats.Observe as session.Config.Observer, or call it there:
//
//	Observer: func(ctx context.Context, e session.Event) {
//		stats.Observe(ctx, e)
//		other(ctx, e)
//	},
//
// Stats have a fixed size of about 150 KB and no goroutine. They are safe for concurrent
// use, and must not be copied. One Stats may serve several Managers, whose events are then
// added up.
type Stats struct {
	mu       sync.Mutex
	minutes  [hour]minute // each at its Unix minute modulo hour
	problems [outcomes]recent
}

// minute counts the events that ended in one minute.
type minute struct {
	unix     int64 // minutes since 1970; of an unused minute it is 0
	counts   [ops][outcomes]uint32
	ends     [reasons]uint32
	loads    histogram
	saves    histogram
	attempts uint32 // of saves, beyond the first of each
}

// problem is an operation that has failed.
type problem struct {
	at       time.Time
	op       session.Op
	outcome  session.Outcome
	publicID string
	key      string
	err      error
}

// recentProblems is the number of the latest problems of one outcome that are kept.
const recentProblems = 5

// recent holds the latest problems of one outcome.
type recent struct {
	kept [recentProblems]problem
	n    int // number of all that there were
}

func (r *recent) add(p problem) {
	r.kept[r.n%recentProblems] = p
	r.n++
}

// Observe counts an event. It has the type of session.Config.Observer. It takes well under a
// microsecond and allocates nothing.
func (s *Stats) Observe(_ context.Context, e session.Event) {
	if e.Op == session.OpFault { // the operation that has met it counts
		return
	}
	op, outcome, at := indexOfOp(e.Op), indexOfOutcome(e.Outcome()), e.Start.Add(e.Duration)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.minute(at.Unix() / 60)
	if m == nil {
		return
	}
	m.counts[op][outcome]++
	switch op {
	case opLoad:
		m.loads.add(e.Duration)
	case opSave, opRenew:
		m.saves.add(e.Duration)
		m.attempts += uint32(max(e.Attempts-1, 0))
	case opEnd:
		m.ends[indexOfReason(e.EndReason)]++
	}
	if e.Err != nil && isProblem[outcome] && op != opReplay { // the commit before a replay is listed
		s.problems[outcome].add(problem{at, e.Op, outcomeNames[outcome], e.PublicID, e.Key, e.Err})
	}
}

// minute returns the counters of a minute, or nil if that is over an hour ago. The caller
// must hold s.mu.
func (s *Stats) minute(unix int64) *minute {
	m := &s.minutes[((unix%hour)+hour)%hour]
	switch {
	case m.unix == unix:
	case m.unix > unix:
		return nil
	default:
		*m = minute{unix: unix}
	}
	return m
}
