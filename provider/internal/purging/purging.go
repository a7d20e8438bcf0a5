// Package purging removes expired records from time to time, for stores that do not do so
// by themselves.
package purging

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

// Every runs purge every interval until ctx ends, and logs its errors. The first run is
// after a random part of the interval, so that instances that start together do not run at
// the same time. Name is that of the provider's package. A nil log is slog.Default(). Every
// panics if interval is not positive.
func Every(ctx context.Context, name string, interval time.Duration, log *slog.Logger, purge func(context.Context) (int64, error)) {
	if interval <= 0 {
		panic(name + ": the interval of PurgeEvery is not positive")
	}
	for wait := rand.N(interval); sleep.For(ctx, wait) == nil; wait = interval {
		if _, err := purge(ctx); err != nil && ctx.Err() == nil {
			if log == nil {
				log = slog.Default()
			}
			log.ErrorContext(ctx, name+": Purge failed", "error", err)
		}
	}
}
