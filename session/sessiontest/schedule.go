package sessiontest

import (
	"fmt"
	"testing/synctest"
	"time"
)

const (
	// maxCalls is the maximum number of storage calls in one interleaving.
	maxCalls = 1000

	// hangTime is how long both requests may sleep at the same time.
	hangTime = time.Hour
)

// schedule runs the requests to their end. At each turn choose gets the indexes of the
// requests that can go on and returns one of them.
func (v *interleaving) schedule(choose func(options []int) (int, error)) error {
	for {
		options := v.options()
		if len(options) == 0 {
			return nil
		}
		if err := v.checkBound(); err != nil {
			return err
		}
		chosen, err := choose(options)
		if err == nil {
			err = v.advance(v.requests[chosen])
		}
		if err != nil {
			return err
		}
	}
}

// options returns the indexes of the requests that are before a storage call or have not
// started.
func (v *interleaving) options() (options []int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, r := range v.requests {
		if r.canGoOn() {
			options = append(options, i)
		}
	}
	return options
}

func (r *request) canGoOn() bool { return !r.started || len(r.waiting) > 0 }

// asleep reports whether r is neither at its end nor before a storage call.
func (r *request) asleep() bool { return r.started && !r.ended && len(r.waiting) == 0 }

// checkBound returns an error if the requests have made too many calls.
func (v *interleaving) checkBound() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a, b := v.requests[0].calls, v.requests[1].calls; a+b >= maxCalls {
		return fmt.Errorf("request A has made %d storage calls and B %d: does one of them repeat a call until the other has done something?", a, b)
	}
	return nil
}

// advance lets r make its next storage call, and run until it is before the one after or
// has ended. A request that has not started starts first.
func (v *interleaving) advance(r *request) error {
	if !r.hasStarted() {
		v.start(r)
		if err := v.settle(); err != nil {
			return err
		}
	}
	if !v.takeTurn(r) {
		return nil
	}
	return v.settle()
}

func (r *request) hasStarted() bool {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	return r.started
}

// settle waits until each request that has started is before a storage call, has ended, or
// waits for the other request.
func (v *interleaving) settle() error {
	for {
		synctest.Wait()
		asleep, blocked := v.sleepers()
		switch {
		case !asleep:
			return nil
		case blocked && !v.waitForMove(hangTime):
			return errHangs
		case !blocked && !v.waitForMove(v.patience):
			v.markStuck()
			return nil
		}
	}
}

var errHangs = fmt.Errorf("no request that has begun has ended or made a storage call for %v of the test's clock: "+
	"does one of them wait for something that does not happen in this test?", hangTime)

// sleepers reports whether to wait for a request that is asleep, and whether no request can
// go on before it.
func (v *interleaving) sleepers() (asleep, blocked bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	blocked = true
	for _, r := range v.requests {
		if r.canGoOn() {
			blocked = false
		}
	}
	for _, r := range v.requests {
		if r.asleep() && (blocked || !r.stuck) {
			asleep = true
		}
	}
	return asleep, blocked
}

func (v *interleaving) markStuck() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range v.requests {
		r.stuck = r.asleep()
	}
}

// waitForMove lets time pass until a request arrives at a storage call or ends, but at
// most d. It reports whether that has happened.
func (v *interleaving) waitForMove(d time.Duration) bool {
	select {
	case <-v.moved:
		return true
	case <-time.After(d):
	}
	synctest.Wait() // a request may have slept until the same moment
	select {
	case <-v.moved:
		return true
	default:
		return false
	}
}
