package browsers

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	count = flag.Int("browsers", 10000, "how many `browsers` to simulate, with -short a tenth; a fifth as many thefts")
	seed  = flag.Uint64("seed", 1, "the `seed` of the first browser")
)

// each runs a life for each seed, in a bubble of its own, and several at the same time.
func each(t *testing.T, n int, run func(t *testing.T, seed uint64)) {
	if testing.Short() {
		n /= 10
	}
	t.Logf("%d from -seed %d", n, *seed)
	t.Run("group", func(t *testing.T) {
		groups := runtime.GOMAXPROCS(0)
		for g := range groups {
			t.Run(fmt.Sprint(g), func(t *testing.T) {
				t.Parallel()
				for i := g; i < n; i += groups {
					synctest.Test(t, func(t *testing.T) { run(t, *seed+uint64(i)) })
				}
			})
		}
	})
}

// TestNoHonestBrowserIsSignedOut simulates browsers without a thief.
func TestNoHonestBrowserIsSignedOut(t *testing.T) {
	var seen sights
	each(t, *count, func(t *testing.T, seed uint64) {
		l := begin(seed, flushTime, &seen)
		l.live()
		served, out := l.browser.outcome()
		if len(out) > 0 {
			t.Errorf("-seed %d -browsers 1: signed out after %d requests:\n%s", seed, served, strings.Join(out[:min(len(out), 3)], "\n"))
		}
		if noticed := l.server.noticed(); noticed > 0 {
			t.Errorf("-seed %d -browsers 1: taken for %d thefts", seed, noticed)
		}
		seen.add("browser")
	})
	seen.want(t, "rotated", "an answer with a cookie is lost", "an answer comes after a crash",
		"a crash takes a cookie back", "a save without an answer", "served from a copy")
}

// TestEveryTheftIsNoticed simulates browsers whose cookies are copied. If both go on, the
// session ends, for both.
func TestEveryTheftIsNoticed(t *testing.T) {
	var (
		seen  sights
		mu    sync.Mutex
		times []time.Duration
	)
	each(t, max(1, *count/5), func(t *testing.T, seed uint64) {
		l := begin(seed, flushTime, &seen)
		result := l.steal(12, 2*time.Hour)
		switch {
		case !result.noticed:
			t.Errorf("-seed %d -browsers 1: not noticed for %v", seed, result.after)
		case result.further > 0:
			t.Errorf("-seed %d -browsers 1: %d requests were served after the theft was noticed", seed, result.further)
		}
		mu.Lock()
		defer mu.Unlock()
		times = append(times, result.after)
	})
	seen.want(t, "a thief who takes no cookies", "a thief who polls and takes no cookies")
	if t.Failed() {
		return
	}
	slices.Sort(times)
	t.Logf("noticed after %v (the median), %v at most", times[len(times)/2], times[len(times)-1])
}

// TestBrowsersThatFlushLate shows that the simulation tells when browsers are signed out:
// those that write their cookies to the disk after many minutes, and crash before.
func TestBrowsersThatFlushLate(t *testing.T) {
	var (
		seen sights
		mu   sync.Mutex
		out  int
	)
	each(t, 200, func(t *testing.T, seed uint64) {
		l := begin(seed, time.Hour, &seen)
		l.live()
		if l.server.noticed() > 0 {
			mu.Lock()
			defer mu.Unlock()
			out++
		}
	})
	if out == 0 {
		t.Error("none was signed out")
	}
	t.Logf("%d of 200 were signed out", out)
}
