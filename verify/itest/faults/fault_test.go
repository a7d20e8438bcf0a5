package faults_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// site is a server behind a proxy.
type site struct {
	server *testserver.Server
	proxy  *proxy
}

// A fault is something that happens to a site.
type fault struct {
	name  string
	begin func(site)
	end   func(site) // nil: the toxics are removed

	strikes int // times that it comes and goes, before it stays for a while
	// total: no call that begins and ends during the fault can succeed.
	total bool
	// harmless: calls are slower, but none need fail.
	harmless bool
}

// leastLatency is that of slow, there and back.
const leastLatency = 40 * time.Millisecond

// The ways of toxiproxy to do harm. Where an answer is dropped or late, what was
// asked for has been done.
var (
	slow         = map[string]int64{"latency": 40, "jitter": 20}
	tooSlow      = map[string]int64{"latency": 5 * patience.Milliseconds()} // or until healed
	fromTheStart = map[string]int64{"bytes": 0}
	aFewAnswers  = map[string]int64{"bytes": 2500}
	atOnce       = map[string]int64{"timeout": 0}
	never        = map[string]int64{"timeout": 0}

	latency       = []toxic{{"latency", up, slow}, {"latency", down, slow}}
	lateAnswers   = []toxic{{"latency", down, tooSlow}}
	cutRequests   = []toxic{{"limit_data", up, fromTheStart}}
	cutAnswers    = []toxic{{"limit_data", down, fromTheStart}}
	cutMidway     = []toxic{{"limit_data", down, aFewAnswers}}
	resetRequests = []toxic{{"reset_peer", up, atOnce}}
	resetAnswers  = []toxic{{"reset_peer", down, atOnce}}
	blackHole     = []toxic{{"timeout", up, never}, {"timeout", down, never}}
	noAnswers     = []toxic{{"timeout", down, never}}
)

var faults = []fault{
	{name: "latency", begin: poison(latency), harmless: true},
	{name: "answers later than the timeout", begin: poison(lateAnswers), strikes: 5, total: true},
	{name: "cut before the request arrives", begin: poison(cutRequests), strikes: 5, total: true},
	{name: "cut after it was applied", begin: poison(cutAnswers), strikes: 5, total: true},
	{name: "cut in the middle of answers", begin: poison(cutMidway), strikes: 5},
	{name: "reset before the request arrives", begin: poison(resetRequests), strikes: 5, total: true},
	{name: "reset after it was applied", begin: poison(resetAnswers), strikes: 5, total: true},
	{name: "black hole", begin: poison(blackHole), strikes: 5, total: true},
	{name: "black hole for answers", begin: poison(noAnswers), strikes: 5, total: true},
	{name: "frozen server", begin: freeze, end: thaw, strikes: 5, total: true},
	{name: "killed server", begin: kill, end: restart, strikes: 3, total: true},
}

func poison(toxics []toxic) func(site) {
	return func(s site) { s.proxy.poison(toxics...) }
}

func freeze(s site)  { s.server.Freeze() }
func thaw(s site)    { s.server.Thaw() }
func kill(s site)    { s.server.Kill() }
func restart(s site) { s.server.Restart() }

func (f fault) over(s site) {
	if f.end == nil {
		s.proxy.heal()
		return
	}
	f.end(s)
}

// comeAndGo lets the fault strike in the middle of what clients do.
func (f fault) comeAndGo(t *testing.T, s site, times int) {
	for range times {
		witness.Wait(t.Context(), rand.N(longestTruce))
		f.begin(s)
		witness.Wait(t.Context(), rand.N(longestStrike))
		f.over(s)
	}
}

const (
	longestStrike = callTimeout + 50*time.Millisecond
	longestTruce  = 100 * time.Millisecond
)
