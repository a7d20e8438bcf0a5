package main

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
)

const storeUsage = "where sessions live, a `URL`: " + storeurl.Help + "; a table that is missing is created"

// openStore returns the provider that a URL names, and creates its table. Call closeStore
// at the end.
func openStore(ctx context.Context, storeURL string) (p provider.Provider, closeStore func(), err error) {
	store, err := storeurl.Create(ctx, storeURL)
	if err != nil {
		return nil, nil, fmt.Errorf("-store: %w", err)
	}
	if p, ok := store.Provider.(interface {
		PurgeEvery(context.Context, time.Duration)
	}); ok {
		go p.PurgeEvery(ctx, 10*time.Minute)
	}
	return store.Provider, store.Close, nil
}
