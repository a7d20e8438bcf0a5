package sessiontest

import "github.com/holdfast-go/holdfast/provider/memory"

// store is the provider of a Manager that NewManager has made.
type store struct {
	*memory.Provider
	log *testLog // nil: the Config has a Logger
}

func newStore() *store { return &store{Provider: memory.New()} }
