// Package epoch ends all sessions at once. A record in the store holds the present epoch,
// a number that only grows. A session keeps the epoch in which it began, and has ended in
// every later one. So one save of that record ends any number of sessions.
//
// An instance uses what it has read of the record for a limited time, which it measures by
// its own clock from before the read. After that time no instance serves a session of an
// earlier epoch. No instance compares its clock with that of another. There is no
// goroutine except for a read that is made before the last one becomes too old; while
// nobody asks, nothing is read.
//
// If the store loses the record, an instance that knows a later epoch than the stored one
// puts it back. It knows the epochs that it has read, and those of the sessions that it
// has met.
package epoch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Options configure Epochs. None has a default.
type Options struct {
	ID     string        // of the record
	MaxAge time.Duration // how long an instance uses what it has read
	Look   func()        // optional, called when sessions may have ended: a later epoch was learned or announced
	Logger *slog.Logger
}

// Epochs is one instance's view of the epoch in a store. It is safe for concurrent use.
type Epochs struct {
	store *records.Store
	kind  records.Kind[*state]
	opts  Options
	known atomic.Int64              // the latest epoch that was read or met
	read  atomic.Pointer[time.Time] // when the read was sent that known is not older than; nil: never

	mu        sync.Mutex
	reading   *reading  // nil: none is under way
	announced time.Time // when a message was last followed
	waiting   bool      // a message is to be followed later
}

// reading is a read that is under way.
type reading struct {
	sent time.Time
	done chan struct{} // closed after err is set
	err  error
}

// New returns the epochs that the store keeps under o.ID. It does no I/O.
func New(store *records.Store, o Options) *Epochs {
	return &Epochs{store: store, kind: records.Kind[*state]{Read: decode, Recreates: true}, opts: o}
}

// MaxAge returns how long an instance uses what it has read. It is 0 for a store in this
// process, which is read each time.
func (e *Epochs) MaxAge() time.Duration {
	if e.store.InProcess() {
		return 0
	}
	return e.opts.MaxAge
}

// Known returns the latest epoch that this instance knows. A session of an earlier one has
// ended.
func (e *Epochs) Known() int64 {
	if e == nil {
		return 0
	}
	return e.known.Load()
}

// Current makes sure that Known is not older than MaxAge. It reads the store if need be, and
// waits for that until ctx ends.
// It does nothing for nil Epochs.
func (e *Epochs) Current(ctx context.Context) error {
	if e == nil {
		return nil
	}
	for range maxReads {
		age, ok := e.age(time.Now())
		if ok && age < e.MaxAge() {
			if age >= e.MaxAge()/2 {
				e.begin()
			}
			return nil
		}
		if err := e.await(ctx, e.begin()); err != nil || e.store.InProcess() {
			return err
		}
	}
	return errTooSlow
}

// maxReads is the maximum number of reads for one call of Current. A machine that was
// frozen during a read cannot use what it has read.
const maxReads = 3

var errNotRead = fmt.Errorf("%w: the record of RevokeEverything was not read", records.ErrUnavailable)

var errTooSlow = fmt.Errorf("%w: reads of the record of RevokeEverything take longer than Config.RevokeEverythingWithin", records.ErrUnavailable)

// Meet is called for a session that began in that epoch. It makes sure that Known is not
// older than MaxAge, and not below that epoch.
func (e *Epochs) Meet(ctx context.Context, began int64) error {
	if e == nil {
		return nil
	}
	if err := e.Current(ctx); err != nil || began <= e.Known() {
		return err
	}
	return e.await(ctx, e.beginFor(began)) // another instance knows more, or the store has lost the record
}

// age returns the age of what was read. It is not ok if nothing was. Of the two clocks of
// the machine it uses the one that says more: the monotonic one stops while the machine is
// suspended, and the other may be set back.
func (e *Epochs) age(now time.Time) (age time.Duration, ok bool) {
	sent := e.read.Load()
	if sent == nil {
		return 0, false
	}
	return max(now.Sub(*sent), now.Round(0).Sub(sent.Round(0))), true
}

// begin returns the read that is under way and may be used, or begins one.
func (e *Epochs) begin() *reading {
	if e.store.InProcess() {
		return e.beginFor(0)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.reading; r != nil && time.Since(r.sent) < e.opts.MaxAge/2 {
		return r
	}
	e.reading = e.beginFor(0)
	return e.reading
}

// beginFor begins a read after a session of that epoch was met.
func (e *Epochs) beginFor(met int64) *reading {
	r := &reading{sent: time.Now(), done: make(chan struct{})}
	if e.store.InProcess() {
		e.finish(r, met)
	} else {
		go e.finish(r, met)
	}
	return r
}

// finish reads the record, and puts back what the store has lost.
func (e *Epochs) finish(r *reading, met int64) {
	r.err = errNotRead // also if the provider ends the goroutine
	defer e.end(r)
	a := e.store.Access(context.Background(), nil)
	stored, err := e.kind.Fetch(&a, e.opts.ID)
	if err == nil {
		stored, err = e.restore(&a, stored, met)
	}
	if err == nil {
		e.learn(max(stored.number(), met), r.sent)
	} else {
		e.opts.Logger.Warn("session: it could not be read whether everybody was signed out", slog.Any("error", err))
	}
	r.err = err
}

// end tells those who wait for r that it is over. Nobody else waits for it afterwards.
func (e *Epochs) end(r *reading) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reading == r {
		e.reading = nil
	}
	close(r.done)
}

// await waits until a read has ended, and returns its error.
func (e *Epochs) await(ctx context.Context, r *reading) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return records.Unavailable(fmt.Errorf("epoch: %w", context.Cause(ctx)))
	}
}
