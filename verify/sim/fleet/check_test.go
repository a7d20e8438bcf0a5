package fleet

import (
	"fmt"
	"testing"
	"time"
)

// check returns which promises were broken.
func (in *installation) check() (broken []string) {
	sum := in.tally.between(0, -1)
	if n := sum.requests[signedOut]; n > 0 {
		broken = append(broken, fmt.Sprintf("%d requests were answered as to a stranger without a reason", n))
	}
	in.database.instant = true
	for _, u := range in.users {
		if u.done+u.unknown == 0 || in.database.journal.has(u.session) {
			continue
		}
		if o := in.send(u, read, 0); o != served || u.visits < u.done || u.visits > u.done+u.unknown {
			broken = append(broken, fmt.Sprintf("user %s sees %d changes, of which %d were acknowledged and %d are unknown; the outcome is %d", u.owner, u.visits, u.done, u.unknown, o))
		}
	}
	if n := len(in.database.starts); n > 0 && in.database.starts[n-1].After(time.Now()) {
		broken = append(broken, "the queue of the database is not empty")
	}
	return broken
}

// wantServed wants every request to be served from that second on, except for users whose
// session the database has lost.
func (in *installation) wantServed(t *testing.T, from int) {
	t.Helper()
	sum := in.tally.between(from, -1)
	if n := sum.allRequests() - sum.requests[served] - sum.requests[lost]; n > 0 {
		t.Errorf("-seed %d: from second %d on, %d of %d requests were not served: %v", *seed, from, n, sum.allRequests(), sum.requests)
	}
}

// wantCollapse wants most requests to fail in that second, to show that the simulation can
// tell.
func (in *installation) wantCollapse(t *testing.T, at int) {
	t.Helper()
	sum := in.tally.between(at, at+1)
	if 2*sum.requests[served] > sum.allRequests() {
		t.Errorf("-seed %d: in second %d, %d of %d requests were served; without the rule, most should fail", *seed, at, sum.requests[served], sum.allRequests())
	}
}

// wantNewKey wants a new key in the ring, which signs, and no other change of the ring.
func (in *installation) wantNewKey(t *testing.T) {
	t.Helper()
	sum := in.tally.between(0, -1)
	if n := sum.calls[callSave][kindRing] - sum.conflicts[kindRing]; n != 1 {
		t.Errorf("-seed %d: the ring was changed %d times, want once", *seed, n)
	}
}

const (
	// ringCallsOfHour is how often an instance may call the key ring in an hour: it reads it
	// every four to five minutes, and saves it when a key is due.
	ringCallsOfHour = 16

	// ringPeak is the part of the instances that may call the key ring in the same second, after
	// the one in which all have started.
	ringPeak = 0.1

	// ringInstances is how many instances there must be for ringPeak. Fewer exceed it by chance.
	ringInstances = 200
)

// wantNoHerd wants few calls for the key ring, and few of them at the same time.
func (in *installation) wantNoHerd(t *testing.T, d time.Duration) {
	t.Helper()
	sum, instances := in.tally.between(0, -1), len(in.instances)
	if most := int(ringCallsOfHour * float64(instances) * d.Hours()); sum.ringCalls() > most {
		t.Errorf("-seed %d: %d calls for the key ring, want %d at most", *seed, sum.ringCalls(), most)
	}
	if n, most := in.peakOfRing(1), int(ringPeak*float64(instances)); n > most && instances >= ringInstances {
		t.Errorf("-seed %d: %d calls for the key ring in one second, want %d at most", *seed, n, most)
	}
}

// peakOfRing returns the most calls for the key ring in a second, from that one on.
func (in *installation) peakOfRing(from int) (peak int) {
	for i := range in.tally.seconds[from:] {
		peak = max(peak, in.tally.seconds[from+i].ringCalls())
	}
	return peak
}
