package admin

import (
	"slices"
	"time"
)

// lastHour is a copy of the counters of the last hour, the oldest minute first. The last
// minute is the present one, which is not over.
type lastHour struct {
	minutes  [hour]minute
	problems []problem // the latest first
}

// lastHour returns the counters of the hour until now. A nil Stats has none.
func (s *Stats) lastHour(now time.Time) *lastHour {
	h := new(lastHour)
	if s == nil {
		return h
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := now.Unix() / 60
	for i := range h.minutes {
		unix := last - hour + 1 + int64(i)
		if m := &s.minutes[unix%hour]; m.unix == unix {
			h.minutes[i] = *m
		}
		h.minutes[i].unix = unix
	}
	for i := range s.problems {
		for _, p := range s.problems[i].kept[:min(s.problems[i].n, recentProblems)] {
			if now.Sub(p.at) < time.Hour {
				h.problems = append(h.problems, p)
			}
		}
	}
	slices.SortStableFunc(h.problems, func(a, b problem) int { return b.at.Compare(a.at) })
	return h
}

// sum adds up what count returns for each minute.
func (h *lastHour) sum(count func(*minute) uint64) (n uint64) {
	for i := range h.minutes {
		n += count(&h.minutes[i])
	}
	return n
}

// merged returns the durations of the hour that of selects.
func (h *lastHour) merged(of func(*minute) *histogram) *histogram {
	all := new(histogram)
	for i := range h.minutes {
		all.merge(of(&h.minutes[i]))
	}
	return all
}

// isEmpty reports whether nothing has happened.
func (h *lastHour) isEmpty() bool {
	return h.sum(func(m *minute) (n uint64) {
		for op := range m.counts {
			n += sum(m.counts[op][:])
		}
		return n
	}) == 0
}

func sum(counts []uint32) (n uint64) {
	for _, c := range counts {
		n += uint64(c)
	}
	return n
}

// These functions count the events of one minute.

func begun(m *minute) uint64 { return sum(m.counts[opCreate][:]) }

func ended(m *minute) uint64 { return sum(m.ends[:]) - uint64(m.ends[reasonRenewed]) }

func replays(m *minute) uint64 { return sum(m.counts[opReplay][:]) }

func merges(m *minute) uint64 { return ofCommits(m, outcomeMerged) }

func conflicts(m *minute) uint64 { return ofCommits(m, outcomeConflict) }

// ofCommits counts the commits of an outcome.
func ofCommits(m *minute, outcome int) uint64 {
	return uint64(m.counts[opSave][outcome]) + uint64(m.counts[opRenew][outcome]) + uint64(m.counts[opDestroy][outcome])
}

func commits(m *minute) (n uint64) {
	return sum(m.counts[opSave][:]) + sum(m.counts[opRenew][:]) + sum(m.counts[opDestroy][:])
}

// failures counts the operations that the store has failed.
func failures(m *minute) uint64 { return ofAll(m, outcomeUnavailable) + ofAll(m, outcomeUnknown) }

// ofAll counts the operations of an outcome.
func ofAll(m *minute, outcome int) (n uint64) {
	for op := range m.counts {
		n += uint64(m.counts[op][outcome])
	}
	return n
}

func operations(m *minute) uint64 {
	return sum(m.counts[opLoad][:]) + sum(m.counts[opTouch][:]) + commits(m) + sum(m.counts[opRevoke][:])
}

func loads(m *minute) *histogram { return &m.loads }

func saves(m *minute) *histogram { return &m.saves }
