package soak_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(silent{}) // it logs each connection that is refused
	testserver.Main(m)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

var soakFor = flag.Duration("soak", 40*time.Second, "how `long` to soak")

const (
	visitorsPerSite = 4                      // of two tabs each
	calm            = 500 * time.Millisecond // between two harms
	progress        = 10 * time.Second

	patience = 2 * time.Minute // a bound against hanging, no expectation
)

func TestSoak(t *testing.T) {
	witness.Leaks(t, patience)
	sites := openSites(t)
	warmUp := min(*soakFor/4, 6*time.Minute) // by when the first tombstones have expired
	watch(t, sites, warmUp)
	before := settled(t, sites)
	t.Logf("warm: %v", before)
	watch(t, sites, *soakFor-warmUp)
	after := settled(t, sites)
	t.Logf("end: %v", after)
	after.wantNoGrowthSince(t, before)
	wantAllDone(t, sites)
}

// watch lets visitors in for a while and does harm meanwhile. When it returns,
// nobody is there and all servers are up.
func watch(t *testing.T, sites []*site, d time.Duration) {
	t.Helper()
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for _, s := range sites {
		for range visitorsPerSite {
			group.Go(func() {
				for ctx.Err() == nil {
					s.live(ctx)
				}
			})
		}
	}
	reported := time.Now()
	for i := 0; witness.Wait(ctx, calm); i++ {
		sites[i%len(sites)].harm(ctx)
		if time.Since(reported) >= progress {
			reported = time.Now()
			for _, s := range sites {
				t.Log(s)
			}
		}
	}
}

// harm does to the site what it must bear, one thing after the other. It belongs to
// the test's goroutine, as a server that does not come up again ends the test.
func (s *site) harm(ctx context.Context) {
	s.harms++
	switch {
	case s.server == nil || s.harms%2 == 1:
		s.keys.rotate(s)
		s.rotations++
	case s.harms%4 == 2 || kept[s.name]:
		s.server.Freeze()
		witness.Wait(ctx, rand.N(2*storeTimeout))
		s.server.Thaw()
		s.freezes++
	default:
		s.server.Kill()
		witness.Wait(ctx, rand.N(storeTimeout))
		s.server.Restart()
		s.kills++
	}
}
