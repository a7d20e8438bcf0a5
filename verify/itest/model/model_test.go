package model_test

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"strconv"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/sim"
	"pgregory.net/rapid"
)

// TestMain fixes the seed, unless a flag gives one: a change is judged by the same
// programs as the one before it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.seed", "1"); err != nil {
		log.Fatal(err)
	}
	testserver.Main(m)
}

var levels = []struct {
	name  string
	level session.Isolation
}{
	{"LevelMerge", session.LevelMerge},
	{"LevelSerializable", session.LevelSerializable},
	{"LevelStrict", session.LevelStrict},
}

// shares are how many programs of each level a store plays for one of -rapid.checks:
// what takes it about the same time.
var shares = map[string]int{
	stores.Memory.Name:       5,
	stores.SQLite.Name:       2,
	stores.Redis.Name:        3,
	stores.RedisCluster.Name: 2,
	stores.Postgres.Name:     2,
	stores.MySQL.Name:        2,
	stores.DynamoDB.Name:     1,
	stores.Etcd.Name:         1,
	stores.Nats.Name:         2,
	stores.NatsReplicas.Name: 1,
	stores.HTTP.Name:         2,
	stores.Cloudflare.Name:   1,
}

// enough programs get everywhere: one in fifty is where the fewest get. They are drawn
// the same way for each store.
const enough = 1500

// Whatever requests do at the same time, with a store that fails, was done by them one
// after the other, as far as the level promises and they were not refused.
func TestSessions(t *testing.T) {
	stores.Each(t, func(t *testing.T, s stores.Store) {
		f := newFerry(t, s.New(t))
		programs := &programs{t: t, store: f, seen: map[string]int{}}
		checks, _ := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
		checks *= shares[s.Name]
		setFlag(t, "rapid.checks", strconv.Itoa(checks))
		for _, l := range levels {
			t.Run(l.name, rapid.MakeCheck(func(r *rapid.T) { programs.check(r, l.level) }))
		}
		if !t.Failed() && len(levels)*checks >= enough {
			programs.wantAllSeen(t)
		}
	})
}

// A store is where programs are played.
type store interface {
	// run returns how to open the store, in a bubble, for one run.
	run() func() provider.Provider

	// failures is how often it has failed for no reason of the program's.
	failures() int64
}

// programs are played on a store.
type programs struct {
	t      *testing.T
	store  store
	seen   map[string]int
	failed *sim.Program // the last
}

func (p *programs) check(r *rapid.T, level session.Isolation) {
	program := programsOf(level).Draw(r, "program")
	if err := p.play(program, false); err != nil {
		p.failed = program
		r.Fatal(p.play(program, true))
	}
}

// play returns what is wrong with a run of a program; traced, with all that was seen.
// A run in which the store has failed by itself, as over a connection that its server
// has closed, is none.
func (p *programs) play(program *sim.Program, traced bool) error {
	before := p.store.failures()
	h := sim.Play(p.t, program, p.store.run(), traced)
	for range 3 {
		if now := p.store.failures(); now != before {
			before = now
			h = sim.Play(p.t, program, p.store.run(), traced)
		}
	}
	h.Tally(p.seen)
	err := cmp.Or(h.Check(), h.Promises())
	if err != nil && traced {
		return fmt.Errorf("%w\n%v", err, h)
	}
	return err
}

// wantAllSeen wants the programs to have got everywhere.
func (p *programs) wantAllSeen(t *testing.T) {
	t.Helper()
	for _, what := range sim.Sights {
		if p.seen[what] == 0 {
			t.Errorf("never seen: %s; seen: %v", what, p.seen)
		}
	}
	t.Logf("seen: %v", p.seen)
}

// setFlag changes a flag, one of rapid's, until the test ends.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup(name)
	was := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Value.Set(was) })
}
