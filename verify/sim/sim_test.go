package sim

import (
	"cmp"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

var (
	programs = flag.Int("programs", 2000, "how many random programs to run")
	seed     = flag.Uint64("seed", 0, "the first seed")
)

// suite is a system under test and what is asked of it.
type suite struct {
	make  maker
	check func(*History) error
	draw  func(seed uint64) *Program
}

var (
	genuine      = suite{newHoldfast, func(h *History) error { return cmp.Or(h.Check(), h.Promises()) }, draw}
	newReference = func(f flaw) suite { return suite{newToy(f), (*History).Check, drawWithoutAdministrators} }
)

func inMemory() provider.Provider { return memory.New() }

// run runs a program, and returns what was seen and what is wrong with it.
func (s suite) run(t *testing.T, p *Program, traced bool) (*History, error) {
	defer func() {
		if e := recover(); e != nil { // a deadlock
			panic(fmt.Sprintf("%v\n\nprogram:\n%v", e, p))
		}
	}()
	h := perform(t, p, inMemory, s.make, traced)
	return h, s.check(h)
}

// explore runs n programs, or as many as it takes to find one that fails.
func (s suite) explore(t *testing.T, from uint64, n int) *Program {
	for seed := range uint64(n) {
		p := s.draw(from + seed)
		if _, err := s.run(t, p, false); err != nil {
			return p
		}
	}
	return nil
}

// report tells the whole story of a program, made as small as it gets.
func (s suite) report(t *testing.T, p *Program) string {
	small := shrink(p, func(q *Program) bool {
		_, err := s.run(t, q, false)
		return err != nil
	})
	h, err := s.run(t, small, true)
	return fmt.Sprintf("seed %d: %v\n\nprogram, made small:\n%v\nhistory:\n%v\nprogram, as drawn (-seed %d -programs 1):\n%v", p.seed, err, small, h, p.seed, p)
}

// TestPrograms runs package session.
func TestPrograms(t *testing.T) {
	if p := genuine.explore(t, *seed, *programs); p != nil {
		t.Error(genuine.report(t, p))
	} else if *programs == 1 {
		h, _ := genuine.run(t, draw(*seed), true)
		t.Logf("\n%v\n%v", h.program, h)
	}
}

// TestReach checks that the programs get everywhere: to every outcome of a
// commit, to replays, to sessions that are new, ended, lost and persistent.
func TestReach(t *testing.T) {
	seen := map[string]int{}
	for n := range uint64(1000) {
		h, _ := genuine.run(t, draw(n), false)
		h.Tally(seen)
	}
	for _, what := range Sights {
		if seen[what] == 0 {
			t.Errorf("never seen: %s; seen: %v", what, seen)
		}
	}
	t.Logf("seen: %v", seen)
}

// TestReplay checks that a seed gives the same run each time, to the last
// storage call: what fails once can be looked at.
func TestReplay(t *testing.T) {
	for n := range uint64(200) {
		first, _ := genuine.run(t, draw(*seed+n), true)
		again, _ := genuine.run(t, draw(*seed+n), true)
		if first.String() != again.String() {
			t.Fatalf("seed %d gave two histories:\n%v\nand\n%v", *seed+n, first, again)
		}
	}
}

// TestReference proves the oracle on a session layer that is easy to survey: what is
// sound passes, and each flaw is found.
func TestReference(t *testing.T) {
	ref := newReference(sound)
	if p := ref.explore(t, *seed, *programs); p != nil {
		t.Error(ref.report(t, p))
	}
	for _, f := range flaws {
		t.Run(strings.ReplaceAll(string(f), " ", "_"), func(t *testing.T) {
			if newReference(f).explore(t, *seed, 5000) == nil {
				t.Error("not found")
			}
		})
	}
}
