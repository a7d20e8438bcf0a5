package provider

import (
	"context"
	"time"
)

// Purger is implemented by the Providers whose expired records stay in the store until Purge
// removes them.
type Purger interface {
	// Purge removes the expired records and returns their number. After an error, removed
	// counts those that were removed before it.
	Purge(ctx context.Context) (removed int64, err error)

	// PurgeStats returns what the calls of Purge have done so far. It does no I/O.
	PurgeStats() PurgeStats
}

// PurgeStats is what the calls of Purge of one Provider in this process have done.
type PurgeStats struct {
	Last    time.Time // when the last one without an error ended; zero: there was none
	Removed int64     // records
}
