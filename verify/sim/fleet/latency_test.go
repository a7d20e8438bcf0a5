package fleet

import (
	"math"
	"math/rand/v2"
	"time"
)

// The time that the database takes for a call is log-normal. The medians are those of
// PostgreSQL in the table "Stores" of docs/performance.md, of 2026-11-30, where each call is
// alone and a Save waits for the disk. The spread is that of "Whole server", where the 99th
// percentile of a read is 3.11 ms and the median is 290 µs. To open a connection is not in
// that document.
const (
	medianFetch   = 136 * time.Microsecond // also of a Delete
	medianSave    = 311 * time.Microsecond
	medianConnect = 5 * time.Millisecond

	spread     = 3.11 / 0.290
	normalAt99 = 2.326 // the 99th percentile of the normal distribution
)

// draw returns a time from the distribution of that median.
func draw(rng *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(rng.NormFloat64()*math.Log(spread)/normalAt99))
}
