// Package backend opens the store that the borrowed tests run on, which the test that runs
// them serves over HTTP: so their module needs no other driver.
package backend

import (
	"os"
	"sync"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

var shared = sync.OnceValue(func() provider.Provider {
	store, err := httpstore.New(os.Getenv("HOLDFAST_BORROWED_STORE"), httpstore.Options{Token: os.Getenv("HOLDFAST_BORROWED_TOKEN")})
	if err != nil {
		panic(err)
	}
	return store
})

// Store returns a Store over the provider that all tests share.
func Store() *gorillaholdfast.Store { return gorillaholdfast.NewStore(shared()) }
