package dynamodb_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestContract(t *testing.T) {
	f := newFixture(t)
	providertest.Run(t, func(*testing.T) provider.Provider { return f.Provider })
}
