// Package backend opens the store that the borrowed tests run on.
package backend

import (
	"context"
	"os"
	"sync"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
)

var shared = sync.OnceValue(func() provider.Provider {
	opened, err := storeurl.Create(context.Background(), os.Getenv("HOLDFAST_BORROWED_STORE"))
	if err != nil {
		panic(err)
	}
	return opened
})

// Store returns a Store over the provider that all tests share.
func Store() *gorillaholdfast.Store { return gorillaholdfast.NewStore(shared()) }
