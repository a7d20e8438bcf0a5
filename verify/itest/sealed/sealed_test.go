// Records that provider/sealed encrypts are kept by every store.
package sealed_test

import (
	"crypto/rand"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func TestContract(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		key := make([]byte, 32)
		rand.Read(key)
		p, err := sealed.New(s.New(t), [][]byte{key})
		if err != nil {
			t.Fatal(err)
		}
		providertest.Run(t, func(*testing.T) provider.Provider { return p })
	})
}
