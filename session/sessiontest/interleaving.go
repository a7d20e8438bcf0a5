package sessiontest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// interleaving is one run of the two requests in a bubble of package testing/synctest. It
// lets one storage call after the other be made.
type interleaving struct {
	handler  http.Handler
	requests [2]*request
	patience time.Duration // how long a request may sleep while the other one is before a call
	strays   atomic.Int64  // calls that belong to neither request
	moved    chan struct{} // receives after a request has arrived at a call, or has ended

	mu      sync.Mutex
	steps   []string // what was done, in order
	stopped bool     // calls fail
}

// request is one of the two requests.
type request struct {
	name     string // "A" or "B"
	in       *interleaving
	http     *http.Request
	cancel   context.CancelFunc
	recorder *httptest.ResponseRecorder

	// The mutex of the interleaving protects these fields.
	started bool
	ended   bool    // the handler has ended
	ending  ending  // of the handler, if it has ended
	waiting []*call // before its turn
	stuck   bool    // has not moved for as long as the other request waits for it
	calls   int     // number of calls that had their turn
}

// call is one storage call of a request.
type call struct {
	request *request
	id      string        // of the record
	turn    chan struct{} // closed when the call may be made
	step    int           // of interleaving.steps
	refused bool          // the interleaving was stopped
}

// requestKey is the context key of a *request.
type requestKey struct{}

func newInterleaving(handler http.Handler, requests [2]*http.Request, patience time.Duration) *interleaving {
	v := &interleaving{handler: handler, patience: patience, moved: make(chan struct{}, 1)}
	for i, r := range requests {
		v.requests[i] = v.newRequest("AB"[i:i+1], r)
	}
	return v
}

func (v *interleaving) newRequest(name string, hr *http.Request) *request {
	r := &request{name: name, in: v, recorder: httptest.NewRecorder()}
	ctx, cancel := context.WithCancel(context.WithValue(hr.Context(), requestKey{}, r))
	r.http, r.cancel = hr.WithContext(ctx), cancel
	if r.http.Body == nil { // a request for an http.Client
		r.http.Body = http.NoBody
	}
	if r.http.RequestURI == "" {
		r.http.RequestURI = r.http.URL.RequestURI()
	}
	return r
}

// requestOf returns the request of v that ctx belongs to, or nil.
func (v *interleaving) requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil || r.in != v {
		return nil
	}
	return r
}

// order describes the storage calls so far.
func (v *interleaving) order() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.steps) == 0 {
		return "(no storage call)"
	}
	return strings.Join(v.steps, ", ")
}

var errStopped = fmt.Errorf("sessiontest: Interleave has stopped this order: %w", provider.ErrRefused)

// call makes a storage call of r when it has its turn.
func (v *interleaving) call(ctx context.Context, r *request, op operation) error {
	c := &call{request: r, id: op.id, turn: make(chan struct{})}
	if !v.arrive(c) {
		return errStopped
	}
	if provider.OnlyTimesOut(ctx) { // a call takes no time, so the wait must not count
		<-c.turn
		ctx = context.WithoutCancel(ctx)
	} else {
		select {
		case <-c.turn:
		case <-ctx.Done():
			if v.withdraw(c) {
				return op.do(ctx) // fails
			}
		}
	}
	if c.refused {
		return errStopped
	}
	err := op.do(ctx)
	v.describe(c, op.describe(err))
	return err
}

// arrive adds c to the waiting calls. It returns false if the interleaving was stopped.
func (v *interleaving) arrive(c *call) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stopped {
		return false
	}
	c.request.waiting = append(c.request.waiting, c)
	v.hasMoved(c.request)
	return true
}

// withdraw removes c from the waiting calls. It returns false if c has had its turn.
func (v *interleaving) withdraw(c *call) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := slices.Index(c.request.waiting, c)
	if at < 0 {
		return false
	}
	c.request.waiting = slices.Delete(c.request.waiting, at, at+1)
	v.hasMoved(c.request)
	return true
}

// hasMoved is called with the lock held.
func (v *interleaving) hasMoved(r *request) {
	r.stuck = false
	select {
	case v.moved <- struct{}{}:
	default:
	}
}

func (v *interleaving) describe(c *call, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.steps[c.step] = c.request.name + " " + text
}

// start runs the handler for r.
func (v *interleaving) start(r *request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r.started = true
	go func() {
		e := protect(func() { v.handler.ServeHTTP(r.recorder, r.http) })
		r.cancel() // as net/http does
		v.mu.Lock()
		defer v.mu.Unlock()
		r.ended, r.ending = true, e
		if r.calls == 0 {
			v.steps = append(v.steps, r.name+" runs")
		}
		v.hasMoved(r)
	}()
}

// takeTurn lets the first waiting call of r be made. It returns false if there is none.
// Calls that r makes in parallel are made in the order of the IDs of their records, so that
// the next run makes them in the same order.
func (v *interleaving) takeTurn(r *request) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(r.waiting) == 0 {
		return false
	}
	c := slices.MinFunc(r.waiting, func(a, b *call) int { return strings.Compare(a.id, b.id) })
	r.waiting = slices.DeleteFunc(r.waiting, func(other *call) bool { return other == c })
	r.calls++
	c.step = len(v.steps)
	v.steps = append(v.steps, r.name)
	close(c.turn)
	return true
}

// stop makes waiting and later calls fail and cancels the requests.
func (v *interleaving) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stopped = true
	for _, r := range v.requests {
		r.cancel()
		for _, c := range r.waiting {
			c.refused = true
			close(c.turn)
		}
		r.waiting = nil
	}
}
