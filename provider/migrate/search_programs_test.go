package migrate_test

import (
	"flag"
	"testing"
)

var deep = flag.Bool("deep", false, "search longer programs, which takes an hour")

var (
	allVerbs  = []verb{fetches, updates, creates, puts, deletes}
	moveVerbs = append([]verb{relocates}, allVerbs...)
)

func verbsOf(p phase) []verb {
	if p == moving {
		return moveVerbs
	}
	return allVerbs
}

// pairs returns the programs of two instances that do one thing each.
func pairs(a, b phase, limit bounds) (all []program) {
	for _, first := range []int64{0, 10} {
		for _, va := range verbsOf(a) {
			for _, vb := range verbsOf(b) {
				p := program{first: first, tells: true, bounds: limit, instances: []instance{{a, []verb{va}}, {b, []verb{vb}}}}
				if b == newAlone {
					p.first, p.firstTo = 0, first
				}
				all = append(all, p)
			}
		}
	}
	return all
}

// triples returns the programs of an instance that moves a record and two others. The last
// one reads what it has done.
func triples(a, b phase, limit bounds) (all []program) {
	for _, first := range []int64{0, 10} {
		for _, va := range verbsOf(a) {
			for _, vb := range verbsOf(b) {
				all = append(all, program{first: first, tells: true, bounds: limit, instances: []instance{
					{moving, []verb{relocates}}, {a, []verb{va}}, {b, []verb{vb, fetches}},
				}})
			}
		}
	}
	return all
}

// sequences returns the programs of an instance that moves a record, and of another one
// that does three things.
func sequences(a phase, limit bounds) (all []program) {
	for _, first := range []int64{0, 10} {
		for _, v := range allVerbs {
			for _, w := range allVerbs {
				for _, last := range allVerbs {
					all = append(all, program{first: first, tells: true, bounds: limit, instances: []instance{
						{moving, []verb{relocates}}, {a, []verb{v, w, last}},
					}})
				}
			}
		}
	}
	return all
}

// absences returns the programs of an instance that has found nothing in the old store,
// where another one creates a record that a third one moves.
func absences(limit bounds) (all []program) {
	for _, v := range allVerbs {
		for _, creator := range []phase{prepares, moving} {
			all = append(all, program{tells: true, bounds: limit, instances: []instance{
				{creator, []verb{creates}}, {moving, []verb{v}}, {moving, []verb{relocates}},
			}})
		}
	}
	return all
}

// silent returns programs whose stores do not include the record in a conflict.
func silent(programs []program) (all []program) {
	for _, p := range programs {
		p.tells = false
		all = append(all, p)
	}
	return all
}

// bounded returns a, or the other bounds in a deep search.
func bounded(switches, faults, deepSwitches, deepFaults int) bounds {
	if *deep {
		return bounds{deepSwitches, deepFaults}
	}
	return bounds{switches, faults}
}

const allSwitches = 1000

// Instances in neighbouring phases keep the contract in every order of their calls of the
// stores, also if one of these calls fails, gets lost, arrives late, or is the last one of
// its process.
func TestSearchPairs(t *testing.T) {
	limit := bounded(allSwitches, 1, allSwitches, 2)
	for _, c := range []struct{ a, b phase }{
		{oldAlone, prepares}, {prepares, prepares}, {moving, prepares}, {moving, moving}, {moving, newAlone},
	} {
		t.Run(string(c.a)+" and "+string(c.b), func(t *testing.T) {
			t.Parallel()
			testPrograms(t, pairs(c.a, c.b, limit))
			testPrograms(t, silent(pairs(c.a, c.b, bounded(2, 1, allSwitches, 1))))
		})
	}
}

func TestSearchTriples(t *testing.T) {
	limit := bounded(1, 1, 3, 2)
	for _, c := range []struct{ a, b phase }{{prepares, moving}, {moving, prepares}, {moving, moving}} {
		t.Run(string(c.a)+" and "+string(c.b), func(t *testing.T) {
			t.Parallel()
			testPrograms(t, triples(c.a, c.b, limit))
		})
	}
}

func TestSearchAbsences(t *testing.T) {
	t.Parallel()
	testPrograms(t, absences(bounded(2, 1, 4, 2)))
}

func TestSearchSequences(t *testing.T) {
	limit := bounded(1, 1, 4, 2)
	for _, a := range []phase{prepares, moving} {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			testPrograms(t, sequences(a, limit))
		})
	}
}
