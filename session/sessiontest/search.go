package sessiontest

import (
	"errors"
	"slices"
)

// search visits every sequence of choices, depth first. A run asks choose at each choice,
// and next is called between two runs. The zero search is at the first sequence.
type search struct {
	path []choice // those of the present sequence
	made int      // number of choices that the present run has made
}

// choice is one choice between options, the index of one of which is taken.
type choice struct {
	options []int
	taken   int
}

// errDiffers: the run does not offer the choices that an earlier run with the same
// choices has offered.
var errDiffers = errors.New("the requests made other storage calls than when they ran in the same order before; " +
	"the calls may depend on the requests, their sessions and the state that a and b reset, but not on chance or on earlier runs; " +
	"in a test that calls T.Parallel, they may depend on the random IDs of new sessions")

// choose returns the option to take. A choice beyond the known path takes the first.
func (s *search) choose(options []int) (int, error) {
	if s.made == len(s.path) {
		s.path = append(s.path, choice{options: slices.Clone(options)})
	}
	c := s.path[s.made]
	if !slices.Equal(c.options, options) {
		return 0, errDiffers
	}
	s.made++
	return c.options[c.taken], nil
}

// complete returns errDiffers if the run has ended before the last known choice.
func (s *search) complete() error {
	if s.made < len(s.path) {
		return errDiffers
	}
	return nil
}

// next moves to the next sequence. It returns false if all were visited.
func (s *search) next() bool {
	s.made = 0
	for len(s.path) > 0 {
		last := &s.path[len(s.path)-1]
		if last.taken++; last.taken < len(last.options) {
			return true
		}
		s.path = s.path[:len(s.path)-1]
	}
	return false
}
