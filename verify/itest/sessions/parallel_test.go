package sessions_test

import (
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

const (
	parallelRequests = 50 // at once, all of one session

	// Requests of one instance line up. Those of two compete, and a change that is tried
	// again may lose to others until its time is over.
	always = "always"
	alone  = "alone"
)

var rounds = flag.Int("rounds", 2, "how many `rounds` of requests to send of each kind")

// A claim is what must be left of parallel requests that were acknowledged.
type claim struct {
	what  string
	way   way
	leaf  string
	left  func(state) int // how many of them the session shows the effect of
	all   string          // are acknowledged: "always", or "alone" if there is one instance
	reset string          // is done before each round
}

var claims = []claim{
	{what: "Update", way: postHandler, leaf: "updates", left: counted, all: always},
	{what: "Get and Set in HandlerFunc", way: getHandlerFunc, leaf: "reads and changes", left: counted, all: alone},
	{what: "Get and Set in Replay", way: postReplay, leaf: "reads and changes", left: counted, all: alone},
	{what: "Get and Set", way: postHandler, leaf: "reads and changes", left: counted},
	{what: "a key of its own", way: postHandler, leaf: "sets a key of its own", left: func(s state) int { return s.own }, all: always},
	{what: "Pop", way: postHandler, leaf: "redeems a token", left: func(s state) int { return s.redeemed }, reset: "issues a token"},
}

func counted(s state) int { return s.count }

// Of parallel requests every acknowledged one has had its effect, once, and the
// others none.
func testNoUpdateIsLost(t *testing.T, a *app) {
	a.testClaims(t, func(round int) {
		if round%2 == 0 {
			a.faults(fmt.Sprintf("gate=%d", parallelRequests/len(a.urls)))
		}
	})
}

// Nor is any counted twice when every third save lands and reports an error, and
// reading back tells all outcomes.
func testNoUpdateCountsTwice(t *testing.T, a *app) {
	a.testClaims(t, func(int) { a.faults("lose=true") })
}

func (a *app) testClaims(t *testing.T, prepare func(round int)) {
	for _, c := range claims {
		t.Run(c.what, func(t *testing.T) {
			cookie := a.begin()
			for round := range *rounds {
				c.round(t, a, cookie, round, func() { prepare(round) })
			}
		})
	}
}

func (c claim) round(t *testing.T, a *app, cookie string, round int, prepare func()) {
	if c.reset != "" {
		a.send(postHandler, cookie, c.reset)
	}
	before := c.left(a.opens(cookie))
	prepare()
	acknowledged, conflicts := 0, 0
	for status, n := range a.storm(c, cookie, round) {
		switch status {
		case http.StatusOK:
			acknowledged = n
		case http.StatusConflict, http.StatusGone:
			conflicts += n
		default:
			t.Errorf("round %d: status %d of %d", round, status, n)
		}
	}
	a.faults("")
	left := c.left(a.opens(cookie)) - before
	wantAll := c.all == always || c.all == alone && len(a.urls) == 1
	if left != acknowledged || left == 0 || wantAll && conflicts > 0 {
		t.Errorf("round %d: %d acknowledged and %d conflicts, %d have had their effect", round, acknowledged, conflicts, left)
	}
	if c.reset != "" && left != 1 {
		t.Errorf("round %d: %d requests got the token", round, left)
	}
}

// storm sends the requests of a round and counts what they get.
func (a *app) storm(c claim, cookie string, round int) map[int]int {
	statuses := make(map[int]int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range parallelRequests {
		wg.Go(func() {
			got := a.send(c.way, cookie, c.leaf, "key", fmt.Sprintf("%d of round %d", i, round))
			mu.Lock()
			defer mu.Unlock()
			statuses[got.status]++
		})
	}
	wg.Wait()
	return statuses
}
