package linearizable_test

import (
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/linearizable"
	"github.com/holdfast-go/holdfast/verify/itest/seeds"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

var (
	histories = flag.Int("histories", 1000, "how many `histories` of a fast store to check; a slow one gets a part of them")
	seed      = flag.Uint64("seed", 0, "the first history's `seed`; 0: a random one")
)

// usual is so much that the checker takes no time, and so little of records that
// most calls meet others.
var usual = linearizable.Load{Clients: 10, Calls: 40, Records: 2, Cancelled: 0.1, Lost: 0.05}

// loadOf returns how much of that a store takes, as all have to be done in minutes.
func loadOf(s stores.Store) linearizable.Load {
	load := usual
	switch s.Name {
	case stores.Postgres.Name, stores.MySQL.Name:
		load.Cancelled = 0.05 // each costs them a connection, and so a process or a thread
	case stores.DynamoDB.Name:
		load.Calls = 24
		// Once in many ten thousands of calls, net/http has closed a connection under
		// one that nobody has cancelled. Its outcome is unknown, which is lawful.
		load.Faulty = true
	case stores.HTTP.Name:
		load.Cancelled = 0.05 // each costs a connection
	case stores.Cloudflare.Name:
		load.Calls, load.Cancelled = 16, 0.05
	}
	return load
}

// parts are by how many the number of histories is divided for the stores that take longer.
var parts = map[string]int{
	stores.Etcd.Name:         2,
	stores.NatsReplicas.Name: 4,
	stores.Cloudflare.Name:   5,
}

// Every store keeps the promise of provider.Provider, also to several instances.
func TestHistoriesAreLinearizable(t *testing.T) {
	stores.Each(t, func(t *testing.T, s stores.Store) {
		began := time.Now()
		n := *histories / max(1, parts[s.Name])
		stats, err := check(t, n, seeds.First(*seed), loadOf(s), s.Instances(t, 2)...)
		if err != nil {
			t.Error(err, draw(err))
		}
		if err == nil && (stats.Landed == 0 || stats.Landed == stats.Unknown || stats.Conflicts == 0) {
			t.Errorf("%+v: too little was at stake", stats)
		}
		if 1000*stats.Failed > stats.Calls {
			t.Errorf("of %d calls %d have failed without need", stats.Calls, stats.Failed)
		}
		t.Logf("%d histories, %.0f a second; of %d calls %.1f %% conflicts, %.1f %% of unknown outcome, of which %.0f %% were found to have landed",
			stats.Histories, float64(stats.Histories)/time.Since(began).Seconds(), stats.Calls,
			percent(stats.Conflicts, stats.Calls), percent(stats.Unknown, stats.Calls), percent(stats.Landed, stats.Unknown))
	})
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }

// check checks n histories, some at the same time, up to the first that fails.
func check(t *testing.T, n int, first uint64, load linearizable.Load, instances ...provider.Provider) (stats linearizable.Stats, failure error) {
	failure = seeds.Check(n, first, func(seed uint64) (linearizable.Stats, error) {
		return linearizable.Check(t.Context(), seed, load, instances...)
	}, stats.Add)
	return stats, failure
}

// draw returns where a picture of a violation is.
func draw(err error) string {
	violation, ok := errors.AsType[*linearizable.Violation](err)
	if !ok {
		return ""
	}
	f, err := os.CreateTemp("", "holdfast-history-*.html")
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if err := violation.Draw(f); err != nil {
		return err.Error()
	}
	return "a picture is in " + f.Name()
}
