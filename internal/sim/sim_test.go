package sim

import (
	"cmp"
	"flag"
	"fmt"
	"testing"
)

var (
	programs = flag.Int("programs", 10000, "how many random programs to run")
	seed     = flag.Uint64("seed", 0, "the first seed; with -programs 1 the only one")
)

// suite is a layer under test and what is asked of it.
type suite struct {
	make  maker
	check func(*history) error
}

var (
	genuine = suite{newHoldfast, func(h *history) error { return cmp.Or(h.check(), h.promises()) }}
	madeToy = func(f flaw) suite { return suite{newToy(f), (*history).check} }
)

// run runs a program, and returns what was seen and what is wrong with it.
func (s suite) run(t *testing.T, p *program, traced bool) (*history, error) {
	defer func() {
		if e := recover(); e != nil { // a deadlock
			panic(fmt.Sprintf("%v\n\nprogram:\n%v", e, p))
		}
	}()
	h := perform(t, p, s.make, traced)
	return h, s.check(h)
}

// explore runs n programs, or as many as it takes to find one that fails.
func (s suite) explore(t *testing.T, from uint64, n int) *program {
	for seed := range uint64(n) {
		p := draw(from + seed)
		if _, err := s.run(t, p, false); err != nil {
			return p
		}
	}
	return nil
}

// report tells the whole story of a program, made as small as it gets.
func (s suite) report(t *testing.T, p *program) string {
	small := shrink(p, func(q *program) bool {
		_, err := s.run(t, q, false)
		return err != nil
	})
	h, err := s.run(t, small, true)
	return fmt.Sprintf("seed %d: %v\n\nprogram, made small:\n%v\nhistory:\n%v\nprogram, as drawn:\n%v", p.seed, err, small, h, p)
}

// TestPrograms runs package session.
func TestPrograms(t *testing.T) {
	if p := genuine.explore(t, *seed, *programs); p != nil {
		t.Error(genuine.report(t, p))
	}
}

// TestToy proves the oracle: a sound layer passes, and each flaw is found.
func TestToy(t *testing.T) {
	if p := madeToy(sound).explore(t, 0, *programs); p != nil {
		t.Error(madeToy(sound).report(t, p))
	}
	for _, f := range flaws {
		t.Run(string(f), func(t *testing.T) {
			p := madeToy(f).explore(t, 0, 20000)
			if p == nil {
				t.Error("not found")
			}
		})
	}
}
