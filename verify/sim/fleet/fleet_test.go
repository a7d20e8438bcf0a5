package fleet

import (
	"flag"
	"runtime"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

var (
	large  = flag.Bool("large", false, "simulate 200 instances and a million users")
	update = flag.Bool("update", false, "write the tables of "+document+"; with -large")
	seed   = flag.Uint64("seed", 1, "the `seed`")
)

var small = size{instances: 20, users: 2000, workers: 1, think: 6 * time.Second}

// TestInstallation plays each scene in an installation of its own, with -large in one that is
// large.
func TestInstallation(t *testing.T) {
	if *large {
		million := size{instances: 200, users: 1_000_000, workers: 8, think: 4 * time.Minute}
		simulate(t, million, session.Config{}, lengths{10 * time.Second, 20 * time.Second, 20 * time.Second}.scenes(million)...)
		return
	}
	for _, sc := range (lengths{time.Second, 5 * time.Second, time.Second}).scenes(small) {
		t.Run(sc.name, func(t *testing.T) { simulate(t, small, session.Config{}, sc) })
	}
}

// TestFailover has fewer users than TestInstallation: each request that waits for an answer
// needs memory.
func TestFailover(t *testing.T) {
	o := outage{time.Second, 4 * time.Second, 9 * time.Second}
	t.Run("that loses writes", func(t *testing.T) {
		simulate(t, small, session.Config{}, o.failover("FailoverThatLosesWrites", time.Second, false))
	})
	t.Run("without the rule of waiting", func(t *testing.T) {
		simulate(t, small, session.Config{}, o.failover("FailoverWithoutThatRule", 0, true))
	})
	if *large {
		s := size{instances: 200, users: 100_000, workers: 4, think: 48 * time.Second}
		o := outage{5 * time.Second, 30 * time.Second, 40 * time.Second}
		t.Run("of a large installation", func(t *testing.T) {
			simulate(t, s, session.Config{}, o.failover("Failover", 0, false))
		})
	}
}

// TestKeyRing replaces all instances at the same moment, and a key of the ring while they
// run. There are fewer users, because the key ring is called as often whatever their number.
func TestKeyRing(t *testing.T) {
	cfg := session.Config{SigningKeyRotation: time.Hour}
	if *large {
		simulate(t, size{instances: 200, users: 4000, workers: 8, think: 4 * time.Minute}, cfg, keyRing(70*time.Minute))
		return
	}
	t.Run("a new key", func(t *testing.T) {
		simulate(t, size{instances: 20, users: 40, workers: 8, think: time.Minute}, cfg, keyRing(70*time.Minute))
	})
	t.Run("the reads after a start", func(t *testing.T) {
		simulate(t, size{instances: 200, users: 1200, workers: 8, think: time.Minute}, cfg, keyRing(450*time.Second))
	})
}

// TestSharedAccount lets many browsers sign in to one account. Few others use the
// installation.
func TestSharedAccount(t *testing.T) {
	s, browsers, d := size{instances: 20, users: 100, workers: 8, think: time.Minute}, 150, 5*time.Second
	if *large {
		s.instances, browsers, d = 200, 600, 20*time.Second
	}
	simulate(t, s, session.Config{}, sharedAccount(browsers, d))
}

// simulate plays scenes in one installation, one after the other, and checks what holds in
// each.
func simulate(t *testing.T, s size, cfg session.Config, scenes ...scene) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that a seed gives the same run each time
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, *seed)
		in := newInstallation(s, *seed, cfg)
		for _, sc := range scenes {
			in.visits(warmUp)
			in.tally.restart()
			sc.play(in)
			in.settle()
			in.report(t, sc)
			sc.check(t, in)
		}
		for _, broken := range in.check() {
			t.Errorf("-seed %d: %s", *seed, broken)
		}
	})
}

// warmUp is how long users open pages before a scene, so that connections are open.
const warmUp = 5 * time.Second
