package migrate_test

import (
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/verify/itest/linearizable"
)

var (
	histories = flag.Int("histories", 100, "how many `histories` of each two phases to check")
	seed      = flag.Uint64("seed", 0, "the first history's `seed`; 0: a random one")
)

// A neighbour is phases of which instances run at the same time.
type neighbour []phase

func (n neighbour) String() string { return string(n[0]) + " and " + string(n[len(n)-1]) }

var neighbours = []neighbour{
	{oldAlone, prepares},
	{prepares, prepares, moves, moves},
	{moves, newAlone},
}

var load = linearizable.Load{Clients: 10, Calls: 40, Records: 2, Cancelled: 0.05, Lost: 0.05}

// Instances in neighbouring phases are linearizable, while records are moved.
func TestHistoriesAreLinearizable(t *testing.T) {
	eachPair(t, func(t *testing.T, s pair) {
		for _, phases := range neighbours {
			t.Run(phases.String(), func(t *testing.T) {
				from, to := s.from.Instances(t, 2), s.to.Instances(t, 2)
				checkHistories(t, *histories, load, phases.instances(t, from, to))
			})
		}
	})
}

// The same is true if both stores fail.
func TestHistoriesWithFaults(t *testing.T) {
	load := load
	load.Faulty = true
	for _, phases := range neighbours {
		t.Run(phases.String(), func(t *testing.T) {
			from, to := shaky(t, memory.New()), shaky(t, memory.New())
			checkHistories(t, 10**histories, load, phases.instances(t, []provider.Provider{from, from}, []provider.Provider{to, to}))
		})
	}
}

// instances returns an instance in each phase. The stores take turns: each is one client of
// two. If there is a phase in which records are moved, they are moved all the time.
func (n neighbour) instances(t *testing.T, from, to []provider.Provider) (all []provider.Provider) {
	for i, f := range n {
		p := f.in(t, from[i%2], to[i%2])
		if n[0] == prepares {
			p = newMover(t, p, func() *migrate.Provider { return moves.in(t, from[i%2], to[i%2]).(*migrate.Provider) })
		}
		all = append(all, p)
	}
	return all
}

func checkHistories(t *testing.T, n int, load linearizable.Load, instances []provider.Provider) {
	t.Helper()
	first, began := *seed, time.Now()
	if first == 0 {
		first = uint64(rand.Uint32())
	}
	var (
		mu    sync.Mutex
		next  atomic.Int64
		group sync.WaitGroup
		stats linearizable.Stats
	)
	for range 4 {
		group.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				s, err := linearizable.Check(t.Context(), first+uint64(i)-1, load, instances...)
				mu.Lock()
				stats.Add(s)
				mu.Unlock()
				if err != nil {
					t.Error(err)
					next.Store(int64(n))
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d histories, %.0f a second: %+v", stats.Histories, float64(stats.Histories)/time.Since(began).Seconds(), stats)
	if !t.Failed() && (stats.Landed == 0 || stats.Conflicts == 0) {
		t.Errorf("%+v: too little was at stake", stats)
	}
}
