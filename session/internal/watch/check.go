package watch

import (
	"container/heap"
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// check starts the checks that are due, until ctx ends.
func (r *run) check(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		if next, ok := r.startDue(); ok {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
	}
}

// startDue starts the checks that are due. It returns when the next one is; not ok means
// that it has to wait for a change.
func (r *run) startDue() (next time.Time, ok bool) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	for len(r.due) > 0 && r.checking < maxChecks {
		if at := r.due[0].at; at.After(time.Now()) {
			return at, true
		}
		s := heap.Pop(&r.due).(*watched)
		s.again = time.Time{}
		r.checking++
		go r.checkOne(s)
	}
	return time.Time{}, false
}

// checkOne reads the session and ends its watchers if it has ended.
func (r *run) checkOne(s *watched) {
	expires, err := r.hub.opts.Check(s.id)
	for w := range r.checked(s, expires, err) {
		w.forget()
		w.end(records.ErrEnded)
	}
}

// checked records the result of a check and schedules the next one. It returns the
// watchers that are to be ended.
func (r *run) checked(s *watched, expires time.Time, err error) (over map[*watcher]struct{}) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.checking--
	r.wakeUp()
	switch {
	case len(s.watchers) == 0: // nobody waits for it any more
		return nil
	case errors.Is(err, records.ErrEnded):
		over, s.watchers = s.watchers, nil
		r.remove(s)
		return over
	}
	s.at = s.next(r.hub.opts.Interval, expires, err)
	if !s.again.IsZero() && s.again.Before(s.at) {
		s.at = s.again
	}
	heap.Push(&r.due, s)
	return nil
}

// failurePause is the pause after a check that has failed. It doubles with each further
// failure.
const failurePause = time.Second

// next returns when s is checked next after a check with that result: within the
// interval, and not later than when it expires.
func (s *watched) next(interval time.Duration, expires time.Time, err error) time.Time {
	now := time.Now()
	if err != nil {
		s.failures++
		pause := min(failurePause<<min(s.failures-1, 16), interval)
		return now.Add(pause/2 + records.Jitter(pause/2))
	}
	s.failures = 0
	pause := interval - records.Jitter(interval/4) // instances that start together do not check together
	if expires.IsZero() {
		return now.Add(pause)
	}
	left := expires.Sub(now)
	if left <= 0 { // the store's clock is behind
		left = max(-left, failurePause)
	}
	return now.Add(min(left, pause))
}
