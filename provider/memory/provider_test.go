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
