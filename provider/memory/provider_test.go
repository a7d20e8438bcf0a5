package memory_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestContract(t *testing.T) {
	providertest.Run(t, func(*testing.T) provider.Provider { return memory.New() })
}

func TestBroadcasterContract(t *testing.T) {
	providertest.RunBroadcaster(t, func(*testing.T) (first, second, other provider.Provider) {
		p := memory.New()
		return p, p.Shared(p), memory.New()
	})
}
