package sessiontest

import "github.com/holdfast-go/holdfast/provider"

// NewStore returns the provider of a Manager of NewManager.
func NewStore() provider.Provider { return newStore() }
