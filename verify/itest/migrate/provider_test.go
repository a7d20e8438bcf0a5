package migrate_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestContract(t *testing.T) {
	eachPair(t, func(t *testing.T, s pair) {
		for _, f := range []phase{prepares, moves} {
			t.Run(string(f), func(t *testing.T) {
				p := f.in(t, s.from.New(t), s.to.New(t))
				providertest.Run(t, func(*testing.T) provider.Provider { return p })
			})
		}
	})
}
