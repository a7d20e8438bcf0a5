package stores

import (
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
)

var states sync.Map // of the providers' connection pools: func() string by provider

// State tells how many connections the client of a provider that is open has, and how
// many calls wait for one, as far as the client tells.
func State(p provider.Provider) string {
	if tell, ok := states.Load(p); ok {
		return tell.(func() string)()
	}
	return "the client does not tell"
}

// tells has State tell of p until the test ends.
func tells(tb testing.TB, p provider.Provider, state func() string) {
	states.Store(p, state)
	tb.Cleanup(func() { states.Delete(p) })
}
