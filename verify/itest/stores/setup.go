package stores

import (
	"context"
	"testing"
	"time"
)

const (
	maxConns = 32          // of a provider to its server
	patience = time.Minute // a bound against hanging
)

func must(tb testing.TB, what string, do func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := do(ctx); err != nil {
		tb.Fatalf("stores: %s: %v", what, err)
	}
}

// cleanup leaves nothing behind on a server that is not the tests' own. One that
// is may be dead by then.
func cleanup(tb testing.TB, do func(context.Context)) {
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		do(ctx)
	})
}
