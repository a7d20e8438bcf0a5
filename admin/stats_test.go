package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func event(op session.Op, took time.Duration, err error) session.Event {
	return session.Event{Op: op, PublicID: "id", Start: time.Now().Add(-took), Duration: took, Attempts: 1, Err: err}
}

func (s *Stats) observe(events ...session.Event) {
	for _, e := range events {
		s.Observe(context.Background(), e)
	}
}

func TestStatsCount(t *testing.T) {
	var s Stats
	conflict := fmt.Errorf("key basket: %w", session.ErrConflict)
	merged := event(session.OpSave, time.Millisecond, nil)
	merged.Attempts = 3
	end := func(why session.EndReason) session.Event {
		e := event(session.OpEnd, 0, nil)
		e.EndReason = why
		return e
	}
	s.observe(
		event(session.OpCreate, 0, nil), event(session.OpCreate, 0, nil),
		end(session.EndDestroyed), end(session.EndExpired), end(session.EndRenewed), end("new"),
		event(session.OpSave, time.Millisecond, conflict), merged, event(session.OpRenew, time.Millisecond, nil),
		event(session.OpReplay, 0, conflict),
		event(session.OpLoad, time.Millisecond, session.ErrUnavailable),
		event(session.OpSave, time.Millisecond, session.ErrOutcomeUnknown),
		event(session.OpUndecodable, 0, errors.New("bad")),
		event(session.OpSave, time.Millisecond, session.ErrTooLarge),
		event("future", 0, nil),
	)
	h := s.lastHour(time.Now())
	for name, c := range map[string]struct {
		count func(*minute) uint64
		want  uint64
	}{
		"begun": {begun, 2}, "ended": {ended, 3}, "conflicts": {conflicts, 1}, "merges": {merges, 1}, "replays": {replays, 1},
		"commits": {commits, 5}, "failures": {failures, 2}, "operations": {operations, 6},
		"unreadable": {func(m *minute) uint64 { return ofAll(m, outcomeUnreadable) }, 1},
		"refused":    {func(m *minute) uint64 { return ofAll(m, outcomeRefused) }, 1},
	} {
		if got := h.sum(c.count); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if h.isEmpty() || !new(Stats).lastHour(time.Now()).isEmpty() {
		t.Error("isEmpty is wrong")
	}
	if len(h.problems) != 5 {
		t.Errorf("the problems are %+v", h.problems)
	}
}

// What happened an hour ago is forgotten, also if nothing has happened since.
// A fault comes in addition to the operation that has met it.
func TestStatsDoNotCountFaults(t *testing.T) {
	var s Stats
	s.observe(event(session.OpFault, 0, session.ErrUnavailable))
	h := s.lastHour(time.Now())
	if n := h.sum(operations); n != 0 || len(h.problems) != 0 {
		t.Errorf("%d operations and the problems %v after a fault; want none", n, h.problems)
	}
}

func TestStatsForgetAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Stats
		for range 3 {
			s.observe(event(session.OpCreate, 0, nil), event(session.OpLoad, 0, session.ErrUnavailable))
			time.Sleep(25 * time.Minute)
		}
		h := s.lastHour(time.Now())
		if n := h.sum(begun); n != 2 || len(h.problems) != 2 {
			t.Errorf("%d sessions begun and %d problems, want those of an hour, 2", n, len(h.problems))
		}
		if first, last := h.minutes[0].unix, h.minutes[hour-1].unix; last != time.Now().Unix()/60 || last-first != hour-1 {
			t.Errorf("the hour is from %d to %d", first, last)
		}
		time.Sleep(time.Hour)
		if h := s.lastHour(time.Now()); !h.isEmpty() || len(h.problems) != 0 {
			t.Error("something is left")
		}
		s.observe(event(session.OpCreate, 0, nil))
		if n := s.lastHour(time.Now()).sum(begun); n != 1 {
			t.Errorf("%d begun", n)
		}
	})
}

// The counters of a minute are those of an hour before, cleared.
func TestStatsOfTheSameMinuteOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Stats
		for range 3 {
			s.observe(event(session.OpCreate, 0, nil), event(session.OpLoad, time.Second, nil))
			h := s.lastHour(time.Now())
			if n, durations := h.sum(begun), h.merged(loads).count(); n != 1 || durations != 1 {
				t.Errorf("%d begun and %d loads, want those of this minute, 1", n, durations)
			}
			time.Sleep(time.Hour)
		}
	})
}

// An operation that took long counts in the minute in which it ended; one that ended over
// an hour ago does not replace a minute of now.
func TestStatsOfAnEventThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Stats
		s.observe(event(session.OpCreate, 0, nil))
		late := event(session.OpCreate, 0, nil)
		late.Start = late.Start.Add(-time.Hour)
		s.observe(late, event(session.OpLoad, 2*time.Hour, nil))
		h := s.lastHour(time.Now())
		if got := h.sum(begun); got != 1 {
			t.Errorf("%d begun", got)
		}
		if got := h.merged(loads).count(); got != 1 {
			t.Errorf("%d loads", got)
		}
	})
}

func TestStatsKeepTheLatestProblems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Stats
		for i := range 20 {
			s.observe(event(session.OpSave, 0, fmt.Errorf("%w %d", session.ErrConflict, i)))
			time.Sleep(time.Second)
		}
		s.observe(event(session.OpLoad, 0, session.ErrUnavailable))
		problems := s.lastHour(time.Now()).problems
		if len(problems) != 1+recentProblems || problems[0].outcome != session.OutcomeUnavailable {
			t.Fatalf("the problems are %+v", problems)
		}
		if got := problems[1].err.Error(); got != session.ErrConflict.Error()+" 19" {
			t.Errorf("the latest conflict is %q", got)
		}
	})
}

func TestStatsAreSafeForConcurrentUse(t *testing.T) {
	var s Stats
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 500 {
				s.observe(event(session.OpCreate, 0, nil))
				s.lastHour(time.Now())
			}
		})
	}
	g.Wait()
	if n := s.lastHour(time.Now()).sum(begun); n != 4000 {
		t.Errorf("%d begun, want 4000", n)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	var s Stats
	events := []session.Event{
		event(session.OpLoad, time.Millisecond, nil), event(session.OpSave, time.Millisecond, session.ErrConflict), event(session.OpEnd, 0, nil),
	}
	if n := testing.AllocsPerRun(100, func() { s.observe(events...) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHistogram(t *testing.T) {
	for class := range len(histogram{}) - 1 {
		low, next := lowerBound(class), lowerBound(class+1)
		if next <= low || classOf(low) != class || classOf(next-1) != class {
			t.Fatalf("class %d is from %v to %v, classes %d and %d", class, low, next, classOf(low), classOf(next-1))
		}
		if class >= 4 && float64(next) > 1.26*float64(low) {
			t.Errorf("class %d is from %v to %v", class, low, next)
		}
	}
	if got := classOf(time.Hour); got != len(histogram{})-1 {
		t.Errorf("an hour is in class %d", got)
	}
	if got := classOf(-time.Second); got != 0 {
		t.Errorf("a negative duration is in class %d", got)
	}
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("the median of nothing is not 0")
	}
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond} {
		if got := h.quantile(q); math.Abs(float64(got-want)) > 0.13*float64(want) {
			t.Errorf("the quantile %v is %v, want about %v", q, got, want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	for _, bench := range []struct {
		name string
		e    session.Event
	}{
		{"load", event(session.OpLoad, 300*time.Microsecond, nil)},
		{"end", session.Event{Op: session.OpEnd, Start: time.Now(), EndReason: session.EndExpired}},
		{"conflict", event(session.OpSave, time.Millisecond, fmt.Errorf("key basket: %w", session.ErrConflict))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var s Stats
			b.ReportAllocs()
			for b.Loop() {
				s.Observe(context.Background(), bench.e)
			}
		})
	}
	b.Run("load, parallel", func(b *testing.B) {
		var s Stats
		e := event(session.OpLoad, 300*time.Microsecond, nil)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				s.Observe(context.Background(), e)
			}
		})
	})
}
