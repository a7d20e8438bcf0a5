package sessions_test

import (
	"runtime"
	"testing"
	"time"
)

// costs are the trips to the store and the Set-Cookie lines of a request: the table
// in docs/costs.md.
var costs = []struct {
	leaf           string
	trips, cookies int
}{
	{"reads", 1, 0},
	{"changes", 2, 0},
	{"reads and changes", 2, 0},
	{"updates", 2, 0},
	{"deletes", 2, 0},
	{"sets a key of its own", 2, 0},
	{"sets what there was", 1, 0},
	{"persists", 2, 1},
	{"renews", 3, 1},
	{"logs out", 2, 1},
}

func testCosts(t *testing.T, a *app) {
	for _, c := range costs {
		for _, w := range []way{postHandler, getHandlerFunc, postReplay} {
			t.Run(c.leaf+" in "+w.path[1:], func(t *testing.T) {
				a.wantCost(t, w, a.begin(), c.leaf, c.trips, c.cookies)
			})
		}
	}
	t.Run("anonymous, reads", func(t *testing.T) { a.wantCost(t, postHandler, "", "reads", 0, 0) })
	t.Run("anonymous, changes", func(t *testing.T) { a.wantCost(t, postHandler, "", "changes", 1, 1) })
	t.Run("with a forged cookie", func(t *testing.T) {
		a.wantCost(t, postHandler, "x"+a.begin()[1:], "reads", 0, 0)
	})
}

// A request that comes late enough to extend the session takes one trip more,
// unless it changes it in any case.
func TestCostsOfATouch(t *testing.T) {
	each(t, spec{TouchInterval: time.Nanosecond}, func(t *testing.T, a *app) {
		cookie := a.begin()
		for _, leaf := range []string{"reads", "sets what there was", "changes"} {
			awaitNextMillisecond() // to which ExpiresAt is kept
			a.wantCost(t, postHandler, cookie, leaf, 2, 0)
		}
	})
}

func awaitNextMillisecond() {
	for now := time.Now(); time.Since(now) < 2*time.Millisecond; {
		runtime.Gosched()
	}
}

func (a *app) wantCost(t *testing.T, w way, cookie, leaf string, trips, cookies int) {
	t.Helper()
	before := a.trips()
	got := a.send(w, cookie, leaf)
	if n := a.trips() - before; n != trips || got.cookies != cookies || got.status != 200 {
		t.Errorf("%d trips and %+v; want %d trips and %d cookies", n, got, trips, cookies)
	}
}
