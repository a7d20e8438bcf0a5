package measure_test

import (
	"slices"
	"time"
)

// latencies are the times that requests took.
type latencies []time.Duration

// quantile returns the time that a part q of the requests did not exceed.
func (l latencies) quantile(q float64) float64 {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Seconds()
}

func (l latencies) figures() figures {
	return figures{
		"requests": float64(len(l)),
		"p50-sec":  l.quantile(0.5),
		"p99-sec":  l.quantile(0.99),
		"max-sec":  l.quantile(1),
	}
}
