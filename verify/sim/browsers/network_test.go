package browsers

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	grace = time.Minute // Config.RotateGrace

	// slowestRequest and slowestAnswer are how long a request is under way until its session
	// is loaded, and an answer from the decision on its cookie to the jar. The rest of the
	// grace, and of the 30 seconds for answers, is for the store.
	slowestRequest = grace - 2*time.Second
	slowestAnswer  = 28 * time.Second
)

// network says how long a request takes. Each tab has its own.
type network struct {
	*rand.Rand
	loss float64 // the part of the answers that are lost
	fast bool    // no request takes longer than a second
}

// often reports true with a probability.
func (n network) often(probability float64) bool { return n.Float64() < probability }

// spread returns a time between least and most, as often of each magnitude.
func (n network) spread(least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), n.Float64()))
}

// request is how long a request is under way.
func (n network) request() time.Duration { return n.delay(slowestRequest) }

// answer is how long an answer is under way.
func (n network) answer() time.Duration { return n.delay(slowestAnswer) }

func (n network) delay(most time.Duration) time.Duration {
	switch {
	case n.fast:
	case n.often(0.02):
		return most
	case n.often(0.1):
		return n.spread(time.Second, most)
	}
	return n.spread(time.Millisecond, time.Second)
}

// work is how long a handler takes before it answers.
func (n network) work() time.Duration {
	if !n.fast && n.often(0.04) {
		return n.spread(time.Second, 30*time.Minute)
	}
	return n.spread(time.Millisecond, time.Second)
}
