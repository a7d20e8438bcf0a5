package readcache

import "sync/atomic"

// result says whether Get has found a copy that may be used.
type result int

const (
	hit      result = iota
	absent          // there is no copy
	stale           // it is older than MaxStale, or it has expired
	outdated        // the browser has seen a newer version
	deaf            // messages of other instances may be missed
	results
)

type counters [results]atomic.Int64

func (c *counters) count(r result) { c[r].Add(1) }

// Stats describe what a Cache has done so far, and what it holds.
type Stats struct {
	Hits, Absent, Stale, Outdated, Deaf int64

	Copies, Bytes int
}

// Stats returns the statistics of c.
func (c *Cache) Stats() Stats {
	st := Stats{
		Hits:     c.counters[hit].Load(),
		Absent:   c.counters[absent].Load(),
		Stale:    c.counters[stale].Load(),
		Outdated: c.counters[outdated].Load(),
		Deaf:     c.counters[deaf].Load(),
	}
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		st.Copies += len(sh.copies)
		st.Bytes += sh.bytes
		sh.mu.Unlock()
	}
	return st
}
