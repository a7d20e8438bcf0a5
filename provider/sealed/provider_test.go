package sealed_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// Over databases it is tested in verify/itest/sealed.
func TestContract(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		contract(t, func(*testing.T) provider.Provider { return memory.New() })
	})
	t.Run("files", func(t *testing.T) {
		contract(t, func(t *testing.T) provider.Provider {
			store, err := filestore.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			return store
		})
	})
	t.Run("sealed", func(t *testing.T) {
		contract(t, func(t *testing.T) provider.Provider { return seal(t, memory.New(), newKey()) })
	})
}

func contract(t *testing.T, inner func(*testing.T) provider.Provider) {
	t.Helper()
	providertest.Run(t, func(t *testing.T) provider.Provider { return seal(t, inner(t), newKey(), newKey()) })
}
