package txn

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Releases tells of the leases of other instances. It loses some of what it is told.
type Releases interface {
	// Released tells the other instances that the holder has released its lease. It does not
	// wait.
	Released(holder envelope.Holder)

	// Await begins to wait until the lease of that holder, in the record of that ID, is
	// released in another instance.
	Await(holder envelope.Holder, id string) Wait
}

// Wait is the wait for a lease of another instance.
type Wait interface {
	// Told returns a channel that receives when the record should be looked at.
	Told() <-chan struct{}

	// Listening reports whether Told is likely to receive when the lease is released.
	Listening() bool

	// End ends the wait.
	End()
}

// The pauses between two looks at a lease that another process holds.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// waiting is the wait of one Refresh for the leases of others.
type waiting struct {
	holder    envelope.Holder // whose lease it is
	since     time.Time       // when that lease was seen first
	looks     int             // at the lease, so far
	elsewhere Wait            // nil: the holder is in this process, or nobody tells
	event     observe.Event   // of the whole wait; zero: it has not begun
}

// left returns how long the lease may last. It ends at its own time, by the clock of this
// machine. It also ends when it was watched for its whole duration, so that a clock that
// was ahead stops nobody for longer.
func (w *waiting) left(l *envelope.Lease) time.Duration {
	if w.holder != l.Holder || w.since.IsZero() {
		w.leave()
		w.holder, w.since, w.looks = l.Holder, time.Now(), 0
	}
	return min(time.Until(l.Until), l.Lasts-time.Since(w.since))
}

// wait returns when the lease was released or has ended, or when it is time to look at
// the record again.
func (w *waiting) wait(ctx context.Context, e *Engine, id string, l *envelope.Lease) error {
	left, done := w.left(l), e.leases().released(l.Holder)
	var told <-chan struct{}
	if done == nil {
		told = w.toldElsewhere(e, id)
		pause := w.pause(e)
		left = min(left, pause/2+records.Jitter(pause))
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-done:
	case <-told:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// toldElsewhere returns a channel that receives when another instance tells that the lease
// was released.
func (w *waiting) toldElsewhere(e *Engine, id string) <-chan struct{} {
	if e.Releases == nil {
		return nil
	}
	if w.elsewhere == nil {
		w.elsewhere = e.Releases.Await(w.holder, id)
	}
	return w.elsewhere.Told()
}

// pause returns the time until the next look. It grows, at once where the release will be
// told: the first look finds one that was told before the wait had begun.
func (w *waiting) pause(e *Engine) time.Duration {
	longest := e.leases().longestPause()
	w.looks++
	if w.looks > 1 && w.elsewhere != nil && w.elsewhere.Listening() {
		return longest
	}
	return min(firstLook<<min(w.looks-1, 16), longest)
}

// leave ends the wait for the lease.
func (w *waiting) leave() {
	if w.elsewhere != nil {
		w.elsewhere.End()
		w.elsewhere = nil
	}
}
