// Package linearizable checks that a provider keeps the promise of
// provider.Provider: on each record its methods take effect one after the other,
// in an order that agrees with real time. Clients make random calls at the same
// time, and porcupine looks for such an order of what they were answered.
//
// A call that ended in an error of no known outcome may have taken effect or not,
// at any time from its beginning to the end of the history and after it.
package linearizable

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/holdfast-go/holdfast/provider"
)

// Load is how a history is drawn.
type Load struct {
	Clients   int     // at most; 2 at least
	Calls     int     // of all clients together, at most
	Records   int     // at most
	Cancelled float64 // the share of calls that may be cancelled on their way, if they take long enough
	Lost      float64 // the share of Saves of which the client does not hear, and which it tries again
	Faulty    bool    // whether calls may fail that were not cancelled
}

// Stats tell what has been seen.
type Stats struct {
	Histories, Calls int
	Conflicts        int
	Unknown          int // outcomes
	Landed           int // of these, Saves that somebody has found
	Failed           int // calls, though not cancelled; only a Faulty Load allows for any
}

// Add adds what has been seen elsewhere.
func (s *Stats) Add(t Stats) {
	s.Histories += t.Histories
	s.Calls += t.Calls
	s.Conflicts += t.Conflicts
	s.Unknown += t.Unknown
	s.Landed += t.Landed
	s.Failed += t.Failed
}

// Check makes a history, drawn from the seed, and returns an error if it breaks
// the promise: a *Violation, if there is no order of its calls. The clients are
// spread over the instances, which have their records in common.
func Check(ctx context.Context, seed uint64, load Load, instances ...provider.Provider) (Stats, error) {
	h := run(ctx, rand.New(rand.NewPCG(seed, 0)), load, instances)
	if err := h.verdict(); err != nil {
		return h.stats(), fmt.Errorf("seed %d: %w", seed, err)
	}
	return h.stats(), nil
}

// run makes a history.
func run(ctx context.Context, rng *rand.Rand, load Load, instances []provider.Provider) *history {
	h := &history{records: map[int64]*provider.Record{}}
	load.Clients = 2 + rng.IntN(load.Clients-1)
	ids := make([]string, 1+rng.IntN(load.Records))
	for i := range ids {
		ids[i] = "history " + cryptorand.Text() // no other's, when the same seed runs again
	}
	base := bases[rng.IntN(len(bases))]
	clients := make([]*client, load.Clients)
	var wg sync.WaitGroup
	for i := range clients {
		c := &client{
			history: h, load: load, ids: ids, line: i,
			provider: instances[i%len(instances)],
			rng:      rand.New(rand.NewPCG(rng.Uint64(), uint64(i))),
			versions: versions{base: base, client: int64(i), clients: int64(load.Clients)},
			known:    map[string]int64{},
		}
		clients[i] = c
		wg.Go(func() { c.run(ctx, load.Calls/load.Clients) })
	}
	wg.Wait()
	clients[0].finish(ctx)
	return h
}

func (h *history) stats() Stats {
	s := Stats{Histories: 1, Calls: len(h.calls), Failed: h.failed}
	for _, op := range h.calls {
		switch op.Output.(result).outcome {
		case conflict:
			s.Conflicts++
		case unknown:
			s.Unknown++
			if isFound(h.calls, op.Input.(call).version) {
				s.Landed++
			}
		}
	}
	return s
}

const patience = 5 * time.Minute // with a call, or with porcupine, whose search may take for ever

// verdict returns an error if the history breaks the promise.
func (h *history) verdict() error {
	if len(h.faults) > 0 {
		return errors.Join(h.faults...)
	}
	switch porcupine.CheckOperationsTimeout(model, h.calls, patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("the history of %d calls is too long to be checked", len(h.calls))
	}
	return &Violation{shrink(h.calls)}
}
