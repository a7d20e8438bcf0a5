package txn

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// holders are the leases that this process holds. It is process-wide: two Managers on one
// store wait for each other as well.
var holders = struct {
	sync.Mutex
	released map[any]chan struct{} // by envelope.Holder or renewing; closed at the release
}{released: map[any]chan struct{}{}}

// hold records that this process holds the lease of that name. It returns false if it
// already does.
func hold(name any) bool {
	holders.Lock()
	defer holders.Unlock()
	if holders.released[name] != nil {
		return false
	}
	holders.released[name] = make(chan struct{})
	return true
}

// release wakes those who wait in this process for the lease of that name.
func release(name any) {
	holders.Lock()
	defer holders.Unlock()
	close(holders.released[name])
	delete(holders.released, name)
}

// released returns a channel that is closed at the release of the lease of that name. It
// is nil if this process does not hold it.
func released(name any) <-chan struct{} {
	holders.Lock()
	defer holders.Unlock()
	return holders.released[name]
}

// Changed returns a channel that receives when the record of that ID may have changed,
// and a function that is called when nobody receives any more. A nil Changed means that
// nobody tells.
type Changed func(id string) (<-chan struct{}, func())

// The pauses between two looks at a lease that another process holds.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// waiting is the wait of one Refresh for the leases of others.
type waiting struct {
	holder envelope.Holder // whose lease it is
	since  time.Time       // when that lease was seen first
	pause  time.Duration   // until the next look at it
}

// left returns how long the lease may last. It ends at its own time, by the clock of this
// machine. It also ends when it was watched for its whole duration, so that a clock that
// was ahead stops nobody for longer.
func (w *waiting) left(l *envelope.Lease) time.Duration {
	if w.holder != l.Holder || w.since.IsZero() {
		*w = waiting{holder: l.Holder, since: time.Now(), pause: firstLook}
	}
	return min(time.Until(l.Until), l.Lasts-time.Since(w.since))
}

// wait returns when the lease was released or has ended, or when it is time to look at
// the record again.
func (w *waiting) wait(ctx context.Context, changed Changed, id string, l *envelope.Lease) error {
	left, done := w.left(l), released(l.Holder)
	var told <-chan struct{}
	if done == nil {
		left = min(left, w.pause/2+records.Jitter(w.pause))
		w.pause = min(2*w.pause, lastLook)
		if changed != nil {
			var stop func()
			told, stop = changed(id)
			defer stop()
		}
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
