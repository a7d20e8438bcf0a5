package sessiontest

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// maxInterleavings is the maximum number of interleavings of one call of Interleave.
const maxInterleavings = 10_000

// Interleave runs two parallel requests, A and B, through handler in every order of their
// storage calls, and calls check after each run. It fails the test if check fails in any
// order, and names the order. Otherwise it logs how many interleavings have run.
//
// The Manager must be one that NewManager has made for this test or a parent of it, and tb
// must be a *testing.T. Interleave must be called in the goroutine of the test, and neither
// in a bubble of testing/synctest nor in a Cleanup.
//
// For each interleaving, Interleave calls a and b, which return the requests, then handler
// for both requests, then check. The store holds the same records each time, those that it
// held when Interleave was called. It holds them again when Interleave returns. The program
// has to reset all other state that the requests change, in a or b. They must return a new
// request each time.
//
// A request stops before each call of Fetch, Save and Delete of the store. The code between
// two calls runs as a whole, directly after the first of them. The code before a request's
// first call runs together with that call.
//
// Order lists the calls, as in "A fetch, B fetch, A save, B save: conflict". A "create"
// saves a new record. The kind of a record is named unless it is a session: a tombstone
// stands for a session that was destroyed or renewed, and an owner index lists the sessions
// of a user. A request without a storage call "runs".
//
// A response is nil if the handler has aborted it with http.ErrAbortHandler. Any other
// panic of the handler fails the test, and check is not called for that order.
//
// The testing.TB of check reports failures together with the order. Its FailNow and SkipNow
// end check for this order only. If several orders fail, the messages are those of the
// first, and the other orders are listed. What Cleanup, Context, Chdir, Setenv and TempDir
// provide ends with the interleaving. What the Manager logs is reported for the first order
// that fails, unless its Config has a Logger.
//
// All these functions run in a bubble of testing/synctest. Its clock begins at the present
// time, and advances only while both requests wait. See "Limits" in the documentation of
// the package.
//
// Two requests of n calls each have (2n)!/(n!)² interleavings: 6 for 2 calls, 70 for 4, 924
// for 6. Conflicts add calls. If there are more than 10,000, the test fails.
func Interleave(tb testing.TB, m *session.Manager, a, b func() *http.Request, handler http.Handler, check func(t testing.TB, order string, resA, resB *http.Response)) {
	tb.Helper()
	t, ok := tb.(*testing.T)
	if !ok {
		tb.Fatalf("sessiontest: Interleave needs a *testing.T, not a %T: package testing/synctest takes no other", tb)
	}
	interleave(t, tb, maxInterleavings, m, a, b, handler, check)
}

// interleave is Interleave with a limit to the number of interleavings. The bubbles
// belong to t, and failures are reported to tb.
func interleave(t *testing.T, tb testing.TB, limit int, m *session.Manager, a, b func() *http.Request, handler http.Handler, check func(testing.TB, string, *http.Response, *http.Response)) {
	tb.Helper()
	s := storeOf(m)
	if s == nil {
		tb.Fatal("sessiontest: Interleave needs a Manager that sessiontest.NewManager has made in this test: it cannot order the storage calls of another")
	}
	if problem := tryBubble(t); problem != "" {
		tb.Fatalf("sessiontest: Interleave makes bubbles of package testing/synctest, which is not possible here: %s", problem)
	}
	before, err := s.snapshot()
	if err != nil {
		tb.Fatalf("sessiontest: Interleave: %v", err)
	}
	x := &exploration{
		t: t, tb: tb, store: s, before: before, start: time.Now(), limit: limit,
		requests: [2]func() *http.Request{a, b}, handler: handler, check: check,
	}
	defer x.restore()
	x.run()
	x.report()
}

// tryBubble returns why no bubble can be made, or "".
func tryBubble(t *testing.T) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprint(p)
		}
	}()
	synctest.Test(t, func(*testing.T) {})
	return ""
}

// exploration is the state of one call of Interleave.
type exploration struct {
	t      *testing.T
	tb     testing.TB
	store  *store
	before []*provider.Record // the records at the beginning
	start  time.Time          // when each interleaving begins
	limit  int

	requests [2]func() *http.Request // a and b
	handler  http.Handler
	check    func(testing.TB, string, *http.Response, *http.Response)

	search search
	last   [2]*http.Request // those of the interleaving before
	ran    int              // number of interleavings
	calls  [2]int           // the largest number of storage calls of A and of B
	strays int64            // storage calls of all interleavings that belong to neither request
	failed []string         // the orders that have failed
	quit   bool             // no more interleavings can be run
}

func (x *exploration) restore() {
	if err := x.store.restore(x.before); err != nil {
		x.tb.Errorf("sessiontest: Interleave: %v", err)
	}
}

// run runs the interleavings until all have run, or no more can.
func (x *exploration) run() {
	x.tb.Helper()
	for more := true; more; more = !x.quit && x.search.next() {
		if x.ran == x.limit {
			x.tb.Errorf("sessiontest: Interleave has stopped after %d interleavings. There are more, because A makes up to %d storage calls and B up to %d. "+
				"Let each request make fewer: test the parts of a handler that saves several times, or store the session that it begins with by Cookie.",
				x.ran, x.calls[0], x.calls[1])
			return
		}
		x.runOne()
	}
}

// report logs what was run, or reports the orders that have failed.
func (x *exploration) report() {
	x.tb.Helper()
	if x.strays > 0 {
		x.tb.Logf("sessiontest: %d storage calls came without the context of a request, so their order was not varied: pass r.Context() to Save, Update, Touch and Check", x.strays)
	}
	if len(x.failed) > 0 {
		x.tb.Errorf("sessiontest: %d of %d interleavings failed:%s", len(x.failed), x.ran, list(x.failed))
	} else {
		x.tb.Logf("sessiontest: Interleave ran %d interleavings. A made up to %d storage calls and B up to %d.", x.ran, x.calls[0], x.calls[1])
	}
	if x.quit {
		x.tb.FailNow()
	}
}

// maxListed is the maximum number of orders in a list.
const maxListed = 10

// list returns the orders, each in a line of its own.
func list(orders []string) (lines string) {
	for i, order := range orders {
		if i == maxListed {
			return lines + "\n..."
		}
		if order == "" {
			order = "(before the requests)"
		}
		lines += "\n" + order
	}
	return lines
}
