package stores

import (
	"context"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// Memory is the provider that the others are held against.
var Memory = Store{
	Name:   "memory",
	shared: func(testing.TB) string { return "" },
	open: func(tb testing.TB, _, space string) (provider.Provider, func(context.Context)) {
		p, _ := spaces.LoadOrStore(space, memory.New())
		tb.Cleanup(func() { spaces.Delete(space) })
		return p.(provider.Provider), nil
	},
}

var spaces sync.Map // of memory, by name
