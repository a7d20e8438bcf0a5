package admin

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

const (
	exactLimit    = 1000             // sessions that are counted one by one
	sampleWanted  = 400              // records of a sample after which no further part is read
	maxParts      = 16               // of a sample
	maxWidth      = 4                // characters of the prefix of a part
	estimateTime  = 2 * time.Second  // for all of it
	estimateLasts = 30 * time.Second // before the store is read again
)

// idAlphabet are the characters of public IDs. Each is as likely as any other, because an
// ID is a hash.
const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// estimate is the number of sessions in the store.
type estimate struct {
	at       time.Time
	sessions float64
	exact    bool
	atLeast  bool    // the sample took too long; sessions is what was counted
	sampled  int     // records of the sample
	margin   float64 // two standard errors, as a part of sessions
	err      error
}

// estimator estimates the number of sessions, and remembers the result for a while.
type estimator struct {
	mu   sync.Mutex
	last estimate
}

func (e *estimator) get(ctx context.Context, m *session.Manager) estimate {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last.at.IsZero() || time.Since(e.last.at) > estimateLasts {
		e.last = estimateSessions(ctx, m)
		e.last.at = time.Now()
	}
	return e.last
}

// estimateSessions counts the sessions if there are few. Otherwise it counts those in random
// parts of the store. A part are the records whose public IDs begin with the same prefix:
// since IDs are hashes, each part has about as many records. It never reads more than a few
// thousand records, except in a store that looks at all records to find those of a prefix
// (Redis, DynamoDB, memory), where the time is limited instead.
func estimateSessions(ctx context.Context, m *session.Manager) estimate {
	ctx, cancel := context.WithTimeout(ctx, estimateTime)
	defer cancel()
	whole := countPart(ctx, m, "")
	if whole.complete || whole.err != nil {
		return estimate{sessions: float64(whole.sessions), exact: whole.complete, sampled: whole.records, err: whole.err}
	}
	tooSlow := estimate{sessions: float64(whole.sessions), atLeast: true, sampled: whole.records}
	for width := 1; width <= maxWidth; width++ {
		first := countPart(ctx, m, randomPrefix(width))
		switch {
		case first.err != nil:
			return tooSlow
		case !first.complete:
			continue
		}
		return extrapolate(ctx, m, first, width)
	}
	return tooSlow
}

// extrapolate reads further parts of the store, and concludes from them and the first one
// to all.
func extrapolate(ctx context.Context, m *session.Manager, first part, width int) estimate {
	sessions, records, parts := first.sessions, first.records, 1
	for records < sampleWanted && parts < maxParts {
		next := countPart(ctx, m, randomPrefix(width))
		if !next.complete {
			break
		}
		sessions, records, parts = sessions+next.sessions, records+next.records, parts+1
	}
	all := math.Pow(float64(len(idAlphabet)), float64(width))
	return estimate{
		sessions: float64(sessions) / float64(parts) * all,
		sampled:  records,
		margin:   2 / math.Sqrt(float64(max(sessions, 1))),
	}
}

// part is what was counted of a part of the store.
type part struct {
	sessions, records int
	complete          bool // not more than exactLimit records
	err               error
}

// countPart counts the records with that prefix, up to exactLimit.
func countPart(ctx context.Context, m *session.Manager, prefix string) (p part) {
	for info, err := range m.Records(ctx, prefix) {
		if err != nil {
			p.err = err
			return p
		}
		if p.records++; p.records > exactLimit {
			return p
		}
		if info.Kind == session.KindSession {
			p.sessions++
		}
	}
	p.complete = true
	return p
}

func randomPrefix(width int) string {
	prefix := make([]byte, width)
	for i := range prefix {
		prefix[i] = idAlphabet[rand.IntN(len(idAlphabet))]
	}
	return string(prefix)
}

// Text returns the number for the page.
func (e estimate) Text() string {
	switch {
	case e.err != nil:
		return "unknown"
	case e.exact:
		return countText(uint64(e.sessions))
	case e.atLeast:
		return "over " + countText(uint64(e.sessions))
	}
	return "≈ " + roundText(e.sessions)
}

// Note says how the number was found.
func (e estimate) Note() string {
	switch {
	case e.err != nil:
		return "the store was not counted: " + e.err.Error()
	case e.exact:
		return "counted"
	case e.atLeast:
		return "this store takes too long to count; holdfast stats counts all"
	}
	return "estimate from a sample of " + countText(uint64(e.sampled)) + " records, ± " + percentText(uint64(math.Ceil(100*e.margin)), 100)
}
