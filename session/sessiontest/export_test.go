package sessiontest

import (
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// InterleaveWithin is Interleave with a limit, which reports to another testing.TB than
// the one that its bubbles belong to.
var InterleaveWithin = interleave

const MaxInterleavings = maxInterleavings

// SetStallTime sets the real time after which an interleaving seems not to end.
func SetStallTime(d time.Duration) { stallTime = d }

// NewStore returns the provider of a Manager of NewManager.
func NewStore() provider.Provider { return newStore() }

// Search visits every sequence of choices.
type Search struct{ search search }

func (s *Search) Choose(options []int) (int, error) { return s.search.choose(options) }
func (s *Search) Complete() error                   { return s.search.complete() }
func (s *Search) Next() bool                        { return s.search.next() }
