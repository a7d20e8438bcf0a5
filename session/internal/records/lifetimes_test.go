package records_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const day = 24 * time.Hour

var limits = records.Lifetimes{
	IdleTimeout:        time.Hour,
	Lifetime:           day,
	PersistIdleTimeout: 7 * day,
	PersistLifetime:    30 * day,
	TouchInterval:      6 * time.Minute,
}

// at returns the time that long after the session began; no time for 0.
func at(begin envelope.Time, d time.Duration) envelope.Time {
	if d == 0 {
		return 0
	}
	return begin.Add(d)
}

func TestExpiryAndEnd(t *testing.T) {
	for _, tc := range []struct {
		rule     string
		deadline time.Duration // of a persistent session, since it began
		used     time.Duration
		before   time.Duration // when it expired by what was saved before
		expiry   time.Duration
		end      time.Duration
	}{
		{"idle for IdleTimeout", 0, time.Minute, 0, time.Hour + time.Minute, day},
		{"not after Lifetime", 0, day - time.Minute, 0, day, day},
		{"not before it expired by what was saved", 0, time.Minute, 5 * time.Hour, 5 * time.Hour, day},
		{"but not after Lifetime on that account", 0, time.Minute, 2 * day, day, day},
		{"persistent: idle for PersistIdleTimeout", 20 * day, time.Minute, 0, 7*day + time.Minute, 20 * day},
		{"persistent: not after its deadline", 3 * day, time.Minute, 0, 3 * day, 3 * day},
		{"persistent: not after PersistLifetime", 40 * day, 29 * day, 0, 30 * day, 30 * day},
		{"persistent: not before it expired by what was saved", 20 * day, time.Minute, 10 * day, 10 * day, 20 * day},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			begin := records.Now()
			c := records.NewContent(format)
			c.Started, c.Deadline = begin, at(begin, tc.deadline)
			if got := limits.Expiry(c, at(begin, tc.used), at(begin, tc.before)).Sub(begin); got != tc.expiry {
				t.Errorf("expires after %v, want %v", got, tc.expiry)
			}
			if got := limits.End(c).Sub(begin); got != tc.end {
				t.Errorf("ends after %v, want %v", got, tc.end)
			}
		})
	}
}

func TestPersist(t *testing.T) {
	for _, tc := range []struct {
		rule     string
		seen     time.Duration // since it began, when Persist is called
		d        time.Duration
		before   time.Duration // when it ended
		deadline time.Duration
		returns  time.Duration
	}{
		{"ends d from the call", day, 10 * day, 0, 11 * day, 0},
		{"not before it would have ended anyway", day, time.Hour, 5 * day, 5 * day, 5 * day},
		{"not after PersistLifetime", 2 * day, 40 * day, 0, 30 * day, 0},
		{"not after PersistLifetime, whenever it would have ended", 2 * day, day, 40 * day, 30 * day, 40 * day},
		{"zero takes it back", day, 0, 5 * day, 0, 0},
		{"less than zero takes it back", day, -time.Second, 5 * day, 0, 0},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			begin := records.Now()
			c := records.NewContent(format)
			c.Started, c.Seen, c.Deadline = begin, at(begin, tc.seen), begin.Add(time.Minute)
			got := limits.Persist(c, tc.d, at(begin, tc.before))
			if want := at(begin, tc.deadline); !c.Deadline.Equal(want) {
				t.Errorf("deadline %v, want %v", c.Deadline, want)
			}
			if want := at(begin, tc.returns); !got.Equal(want) {
				t.Errorf("returned %v, want %v", got, want)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	begin := records.Now()
	for _, tc := range []struct {
		rule           string
		deadline, want time.Duration
	}{
		{"the lifetime begins again", 0, 0},
		{"the span of a persistent session begins again", 10 * day, 13 * day},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			c := records.NewContent(format)
			c.Started, c.Seen, c.Deadline = begin, begin.Add(3*day), at(begin, tc.deadline)
			records.Restart(c)
			if !c.Started.Equal(c.Seen) || !c.Deadline.Equal(at(begin, tc.want)) {
				t.Errorf("started %v, deadline %v", c.Started, c.Deadline)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, tombstone := content("base"), records.Tombstone(content("base"), "", false)
		elapse(day - 1)
		if limits.Expired(c) {
			t.Error("expired before Lifetime")
		}
		elapse(1)
		if !limits.Expired(c) {
			t.Error("goes on after Lifetime")
		}
		if limits.Expired(tombstone) {
			t.Error("a tombstone has a lifetime of its own")
		}
	})
}

func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := content("base")
		elapse(day)
		index := records.NewContent(records.OwnerIndexFormat)
		for _, tc := range []struct {
			rule string
			c    *records.Content
			err  error
		}{
			{"a session", content("base"), nil},
			{"no record", nil, records.ErrEnded},
			{"one that has outlived Lifetime", old, records.ErrEnded},
			{"an owner index", index, records.ErrEnded},
			{"a tombstone", records.Tombstone(old, "", false), records.ErrTombstone},
		} {
			err := limits.Live(tc.c)
			if !errors.Is(err, tc.err) || !errors.Is(tc.err, records.ErrTombstone) && errors.Is(err, records.ErrTombstone) {
				t.Errorf("%s: %v, want %v", tc.rule, err, tc.err)
			}
		}
	})
}

func TestTouchDue(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		owner   string
		expires time.Duration // by what was saved, since it was seen; 0: after IdleTimeout
		elapsed time.Duration
		due     bool
	}{
		{"not at once", "", 0, 0, false},
		{"not before TouchInterval is used up", "", 0, limits.TouchInterval - time.Millisecond, false},
		{"when TouchInterval is used up", "", 0, limits.TouchInterval, true},
		{"not where it would not extend the session", "", day, limits.TouchInterval, false},
		{"but there as well for an owner", "ann", day, limits.TouchInterval, true},
		{"not sooner for an owner", "ann", day, limits.TouchInterval - time.Millisecond, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := content("base")
				c.Owner = tc.owner
				if tc.expires > 0 {
					c.Expires = c.Seen.Add(tc.expires)
				}
				elapse(tc.elapsed)
				if got := limits.TouchDue(c); got != tc.due {
					t.Errorf("due: %v, want %v", got, tc.due)
				}
			})
		})
	}
	t.Run("not at the end of Lifetime", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := content("base")
			c.Expires = limits.End(c)
			elapse(day - time.Second)
			if limits.TouchDue(c) {
				t.Error("a touch that extends nothing is due")
			}
		})
	})
}

func TestExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := content("base")
		base.Owner = "ann"
		elapse(30 * time.Minute)
		r := newRig(t)
		r.put(id, base)
		next := limits.Extended(base)
		r.put(id, next)
		got := r.get(id)
		switch {
		case text(got) != "base" || got.Owner != "ann":
			t.Errorf("%q of %q", text(got), got.Owner)
		case !got.Seen.Equal(records.Now()) || !got.Started.Equal(base.Started) || !got.Created.Equal(base.Created):
			t.Errorf("seen %v, started %v, created %v", got.Seen, got.Started, got.Created)
		case !got.Expires.Equal(records.Now().Add(time.Hour)):
			t.Errorf("expires %v", got.Expires)
		case got.Trace(base.Version) != envelope.Ancestor:
			t.Error("the base is not in its history")
		}
	})
}

func TestEarlier(t *testing.T) {
	a := records.Now()
	b := a.Add(time.Millisecond)
	if !records.Earlier(a, b).Equal(a) || !records.Earlier(b, a).Equal(a) {
		t.Error("the later one")
	}
}
