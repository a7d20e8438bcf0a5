package fleet

import (
	"testing"
	"time"
)

// scene is something that happens to an installation.
type scene struct {
	name   string
	play   func(in *installation)
	check  func(t *testing.T, in *installation)
	phases []phase
}

// phase is a part of a scene.
type phase struct {
	name     string
	from, to int // seconds
}

// lengths are how long scenes play.
type lengths struct {
	steady, deploy, storm time.Duration
}

// scenes returns the scenes for an installation of that size.
func (l lengths) scenes(s size) []scene {
	return []scene{
		{
			name:   "Steady",
			play:   func(in *installation) { in.visits(l.steady) },
			check:  allServed,
			phases: []phase{{"steady state", 0, seconds(l.steady)}},
		},
		{
			name:   "Deploy",
			play:   func(in *installation) { in.deploy(waves, l.deploy/waves) },
			check:  readByWaves,
			phases: []phase{{"deploy", 0, seconds(l.deploy)}},
		},
		{
			name:   "LoginStorm",
			play:   func(in *installation) { in.loginStorm(s.users/10*seconds(l.storm)/60, l.storm, in.anyAccount) },
			check:  allServed,
			phases: []phase{{"storm", 0, seconds(l.storm)}},
		},
	}
}

const waves = 10

// outage is how long a failover plays before, during and after the time without answers.
type outage struct{ before, during, after time.Duration }

// failover is that of the database to a standby that lacks the writes of the time lag.
// With waitsAll, calls wait for a connection until their deadline: then the installation does
// not recover.
func (o outage) failover(name string, lag time.Duration, waitsAll bool) scene {
	from := seconds(o.before + o.during)
	end := from + seconds(o.after)
	sc := scene{
		name: name,
		play: func(in *installation) {
			in.database.waitsAll = waitsAll
			if lag > 0 {
				in.database.journal = newJournal(lag)
			}
			in.failover(o.before, o.during, o.after)
		},
		check: func(t *testing.T, in *installation) { in.wantServed(t, end-1) },
		phases: []phase{
			{"before", 0, seconds(o.before)},
			{"outage", seconds(o.before), from},
			{"afterwards", from, end},
			{"the last second", end - 1, end},
		},
	}
	if waitsAll {
		sc.check = func(t *testing.T, in *installation) { in.wantCollapse(t, end-1) }
	}
	return sc
}

// keyRing replaces all instances at the same moment, and runs them for that long. After an hour
// they have a new key.
func keyRing(d time.Duration) scene {
	return scene{
		name: "KeyRing",
		play: func(in *installation) {
			in.restart()
			in.visits(d)
		},
		check: func(t *testing.T, in *installation) {
			allServed(t, in)
			if d > time.Hour {
				in.wantNewKey(t)
			}
			in.wantNoHerd(t, d)
		},
		phases: []phase{{"first second", 0, 1}, {"then", 1, seconds(d)}},
	}
}

// sharedAccount lets so many browsers sign in to one account.
func sharedAccount(browsers int, d time.Duration) scene {
	return scene{
		name:   "SharedAccount",
		play:   func(in *installation) { in.loginStorm(browsers, d, oneAccount) },
		check:  allServed,
		phases: []phase{{"logins", 0, seconds(d)}},
	}
}

func allServed(t *testing.T, in *installation) { in.wantServed(t, 0) }

// readByWaves wants that a new instance reads the key ring once.
func readByWaves(t *testing.T, in *installation) {
	allServed(t, in)
	if n, most := in.peakOfRing(0), 3*len(in.instances)/waves; n > most {
		t.Errorf("-seed %d: the key ring was called %d times in a second, want %d at most", *seed, n, most)
	}
}

func seconds(d time.Duration) int { return int(d / time.Second) }
