package faults_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// A grace is how many times its timeout a client's call is given. It is 1 as long as a
// client that is new manages with that: one that has been through a fault must, too. On a
// machine so slow that a new one does not either, it is more, but not in a fault.
type grace struct {
	// newcomer makes a client that has been through nothing, and returns what is called
	// when it is done.
	newcomer func() (provider.Provider, func())

	times  atomic.Int64 // 0 is 1
	faulty atomic.Bool  // the fault is on, or may be
}

const (
	mostGrace = 16

	// stall is how long clients may get nowhere before a newcomer tries.
	stall = 3 * time.Second

	// newcomersTrips is how many calls it makes, as many as begin, renew and end a session.
	newcomersTrips = 8
)

// factor is what to multiply timeouts with now. Without a grace it is 1.
func (g *grace) factor() time.Duration {
	if g == nil || g.faulty.Load() {
		return 1
	}
	return g.most()
}

// most is the largest factor so far.
func (g *grace) most() time.Duration { return time.Duration(max(1, g.times.Load())) }

// review doubles the grace if a newcomer does not manage with the usual timeouts.
func (g *grace) review(t *testing.T) {
	if g == nil || g.faulty.Load() || g.most() >= mostGrace {
		return
	}
	if err := g.tryNewcomer(t.Context()); err != nil {
		g.times.Store(int64(2 * g.most()))
		t.Logf("the machine is too slow for clients, also for a new one, which are given %d times as long: %v", g.most(), err)
	}
}

func (g *grace) tryNewcomer(ctx context.Context) error {
	store, done := g.newcomer()
	defer done()
	for version := range int64(newcomersTrips) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		err := store.Save(ctx, chain{}.grow("newcomer", version+1), -1)
		cancel()
		if err != nil {
			return fmt.Errorf("call %d: %w", version+1, err)
		}
	}
	return nil
}
