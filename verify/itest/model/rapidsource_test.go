package model_test

import (
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/sim"
	"pgregory.net/rapid"
)

// programsOf returns the programs of a level.
func programsOf(level session.Isolation) *rapid.Generator[*sim.Program] {
	return rapid.Custom(func(t *rapid.T) *sim.Program {
		return sim.Draw(rapid.Uint64Range(0, 1<<16).Draw(t, "seed"), &rapidSource{t}, level)
	})
}

// rapidSource draws from rapid, which then knows how to shrink what it drew.
type rapidSource struct{ t *rapid.T }

func (d *rapidSource) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "") }

// Int64N returns one of a few numbers: with all of them to choose from rapid prefers
// such small ones that all waits would be over at once.
func (d *rapidSource) Int64N(n int64) int64 { return int64(d.IntN(64)) * n / 64 }

func (d *rapidSource) Often(n int) bool { return d.IntN(n) == n-1 }

// Repeat makes a group of each time, which rapid can leave out.
func (d *rapidSource) Repeat(least, most int, what func()) {
	outer := d.t
	defer func() { d.t = outer }()
	rapid.SliceOfN(rapid.Custom(func(t *rapid.T) struct{} {
		d.t = t
		what()
		return struct{}{}
	}), least, most).Draw(outer, "")
}
