package copies_test

import (
	"flag"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/copies"
	"github.com/holdfast-go/holdfast/verify/itest/seeds"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

var (
	histories = flag.Int("histories", 60, "how many `histories` of each store to check")
	seed      = flag.Uint64("seed", 0, "the first history's `seed`; 0: a random one")
)

// maxStale is so short that copies grow too old within a history, and so long that a store
// on a busy machine answers faster.
const maxStale = 12 * time.Millisecond

var usual = copies.Load{Sessions: 2, Browsers: 4, Requests: 25, MaxStale: maxStale, Pause: 8 * time.Millisecond}

// maxRounds is how often more histories are drawn until they meet what the rules are about.
// A store on a busy machine answers so slowly that few copies are young enough to be used.
const maxRounds = 10

// The rules hold on every store, with two instances.
func TestCopies(t *testing.T) {
	stores.Each(t, func(t *testing.T, s stores.Store) {
		instances := newInstances(t, maxStale, s.Instances(t, 2)...)
		awaitCopies(t, instances)
		first := seeds.First(*seed)
		var stats copies.Stats
		var st session.ReadCacheStats
		atStake := func() bool { return st.Outdated != 0 && st.Stale != 0 && stats.Behind != 0 }
		for round := 0; round < maxRounds && !atStake(); round++ {
			more, err := check(t, *histories, first+uint64(round**histories), usual, instances)
			if err != nil {
				t.Fatal(err)
			}
			stats.Add(more)
			st = instances[0].Manager.ReadCacheStats()
		}
		t.Logf("%+v, %+v", stats, st)
		if !atStake() {
			t.Errorf("%+v, %+v: too little was at stake", stats, st)
		}
	})
}

// newInstances returns an instance for each provider.
func newInstances(t *testing.T, maxStale time.Duration, providers ...provider.Provider) (all []*copies.Instance) {
	t.Helper()
	for _, p := range providers {
		if _, ok := p.(provider.Sharer); ok { // whose records are in the process already
			p = &storetest.Store{Provider: p}
		}
		i, err := copies.NewInstance(p, maxStale)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}

// awaitCopies returns when the instances have copies: when they hear the store's broadcast.
func awaitCopies(t *testing.T, all []*copies.Instance) {
	t.Helper()
	warm := copies.Load{Sessions: 1, Browsers: 1, Requests: 20, MaxStale: maxStale}
	for _, i := range all {
		storetest.Eventually(t, "copies are used", func() bool {
			if _, err := copies.Check(t.Context(), 1, warm, i); err != nil {
				t.Fatal(err)
			}
			return i.Manager.ReadCacheStats().Hits > 0
		})
	}
}

// check checks n histories, some at the same time, up to the first that fails.
func check(t *testing.T, n int, first uint64, load copies.Load, instances []*copies.Instance) (stats copies.Stats, failure error) {
	failure = seeds.Check(n, first, func(seed uint64) (copies.Stats, error) {
		return copies.Check(t.Context(), seed, load, instances...)
	}, stats.Add)
	return stats, failure
}
