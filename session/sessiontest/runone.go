package sessiontest

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

// restTime is how long goroutines that the requests have started may go on after check.
const restTime = time.Minute

// stallTime is the real time after which an interleaving seems not to end. It is a
// variable for the tests.
var stallTime = 10 * time.Second

// outcome is the result of one interleaving.
type outcome struct {
	order    string // "" before the requests run
	failed   bool
	problems []string // besides the messages of check
	quit     bool     // no more interleavings can be run
}

func (o *outcome) add(problem string) {
	if problem != "" {
		o.problems, o.failed = append(o.problems, problem), true
	}
}

// abort adds a problem after which no more interleavings can be run.
func (o *outcome) abort(problem string) {
	o.add(problem)
	o.quit = true
}

// runOne runs the next interleaving.
func (x *exploration) runOne() {
	x.tb.Helper()
	x.ran++
	var o outcome
	failedBefore, ended := x.tb.Failed(), false
	x.store.log.hold()
	over := make(chan struct{})
	go x.watch(over)
	defer func() { // also if package testing ends the test
		x.tb.Helper()
		close(over)
		x.store.running.Store(nil)
		logged := x.store.log.release()
		if !ended {
			o.abort("the test failed in the bubble of this order; see the messages above")
		}
		o.failed = o.failed || !failedBefore && x.tb.Failed()
		x.conclude(&o, logged)
	}()
	if problem := x.inBubble(func(t *testing.T) { x.inOrder(t, &o) }); problem != "" {
		o.abort(problem)
	}
	ended = true
}

// conclude reports an interleaving that has failed, if it is the first one or no more can
// be run.
func (x *exploration) conclude(o *outcome, logged string) {
	x.tb.Helper()
	x.quit = o.quit
	if !o.failed {
		return
	}
	if len(x.failed) == 0 || o.quit {
		for _, problem := range o.problems {
			x.tb.Error(withOrder(o.order, problem))
		}
		if logged != "" {
			x.tb.Log(withOrder(o.order, "the Manager has logged:\n"+logged))
		}
	}
	x.failed = append(x.failed, o.order)
}

// inBubble runs f in a bubble of package testing/synctest. It returns why the bubble does
// not end, or "".
func (x *exploration) inBubble(f func(t *testing.T)) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("goroutines that the requests or check have started do not end: %v", p)
		}
	}()
	synctest.Test(x.t, f)
	return ""
}

// inOrder runs the next interleaving in the bubble of t.
func (x *exploration) inOrder(t *testing.T, o *outcome) {
	fixRandom(t)
	defer rest()
	time.Sleep(time.Until(x.start)) // the clock of a bubble begins in the year 2000
	x.restore()
	requests, problem := x.newRequests()
	if problem != "" {
		o.abort("sessiontest: Interleave: " + problem)
		return
	}
	v := newInterleaving(x.handler, requests, x.store.timeout/2)
	x.store.running.Store(v)
	err := v.schedule(x.search.choose)
	if err == nil {
		err = x.search.complete()
	}
	o.order = v.order()
	x.count(v)
	if err != nil {
		o.abort(err.Error())
		v.stop()
		return
	}
	x.store.running.Store(nil) // calls from now on are made at once
	x.checkOne(t, v, o)
}

// rest lets the goroutines go on that the requests and check have started.
func rest() {
	time.Sleep(restTime)
	synctest.Wait()
}

// fixRandom makes crypto/rand return the same bytes in each interleaving until t ends, so
// that new sessions have the same IDs. The bytes stay random in a parallel test, because
// other tests use them at the same time.
func fixRandom(t *testing.T) {
	defer func() { _ = recover() }() // SetGlobalRandom panics in a parallel test
	cryptotest.SetGlobalRandom(t, 1)
}

// newRequests returns the requests of a and b.
func (x *exploration) newRequests() (requests [2]*http.Request, problem string) {
	for i, name := range []string{"a", "b"} {
		if problem := protect(func() { requests[i] = x.requests[i]() }).problem(name); problem != "" {
			return requests, problem
		}
		switch r := requests[i]; {
		case r == nil:
			return requests, name + " has returned no request"
		case r == x.last[0] || r == x.last[1] || i == 1 && r == requests[0]:
			return requests, name + " has returned a request that was used before; it must return a new one each time"
		}
	}
	x.last = requests
	return requests, ""
}

// count adds up the storage calls.
func (x *exploration) count(v *interleaving) {
	for i, r := range v.requests {
		x.calls[i] = max(x.calls[i], r.calls)
	}
	x.strays += v.strays.Load()
}

// checkOne calls check with the responses.
func (x *exploration) checkOne(t *testing.T, v *interleaving, o *outcome) {
	var res [2]*http.Response
	for i, r := range v.requests {
		if !r.ending.aborted() {
			res[i] = r.recorder.Result()
			o.add(r.ending.problem("the handler of request " + r.name))
		}
		o.quit = o.quit || r.ending.exited()
	}
	if o.failed {
		return
	}
	c := &checkTB{TB: x.tb, bubble: t, order: o.order, silent: len(x.failed) > 0}
	e := protect(func() { x.check(c, o.order, res[0], res[1]) })
	o.failed = c.Failed()
	if c.hasEnded() {
		return
	}
	o.add(e.problem("check"))
	o.quit = e.exited()
}

// watch warns of an interleaving that does not end, after stallTime and then each time that
// the wait has doubled.
func (x *exploration) watch(over <-chan struct{}) {
	for pause, waited := stallTime, stallTime; ; pause, waited = waited, 2*waited {
		select {
		case <-over:
			return
		case <-time.After(pause):
			x.warn(waited)
		}
	}
}

// warn writes to the standard error that an interleaving does not end, because the output
// of a test that hangs is lost.
func (x *exploration) warn(waited time.Duration) {
	order := "(before or after the requests)"
	if v := x.store.running.Load(); v != nil {
		order = v.order()
	}
	fmt.Fprintf(os.Stderr, "sessiontest: Interleave in %s has waited for %v, after this order: %s\n"+
		"Perhaps a request holds a sync.Mutex during a storage call, or uses the network: see \"Limits\" in the documentation of package sessiontest.\n",
		x.tb.Name(), waited, order)
}
