package rotation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/rotation"
)

const (
	interval = 10 * time.Minute
	grace    = time.Minute
	settling = 65 * time.Second
)

var policy = rotation.Policy{Interval: interval, Grace: grace}

// began is when every session of these tests began.
var began = envelope.TimeOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))

// at returns the time so long after the begin, and indexAt the index that was issued then.
func at(d time.Duration) envelope.Time { return began.Add(d) }

func indexAt(d time.Duration) uint64 { return uint64(at(d)) }

const id = "public ID of the session"

// sessionIn returns a session in that state.
func sessionIn(s envelope.Rotation) *records.Content {
	c := records.NewContent("json")
	c.Started = began
	c.Fields = c.Fields.WithRotation(s)
	return c
}

// The states of the table in the documentation of the protocol.
var (
	fresh       = envelope.Rotation{}
	first       = envelope.Rotation{Issued: indexAt(time.Hour), PendingSince: at(time.Hour)}
	confirmed   = envelope.Rotation{Confirmed: indexAt(time.Hour), ConfirmedAt: at(time.Hour + 5*time.Minute), Issued: indexAt(time.Hour + time.Minute)}
	pending     = envelope.Rotation{Confirmed: indexAt(time.Hour), Issued: indexAt(2*time.Hour + time.Minute), PendingSince: at(2 * time.Hour), Replaced: indexAt(time.Hour + time.Minute)}
	inTheFuture = envelope.Rotation{Confirmed: indexAt(time.Hour), Issued: indexAt(99 * time.Hour), PendingSince: at(2 * time.Hour), Replaced: indexAt(time.Hour)}
	outstanding = envelope.Rotation{Confirmed: indexAt(time.Hour), ConfirmedAt: at(time.Hour + 5*time.Minute), Issued: indexAt(time.Hour + 9*time.Minute)}
)

func TestPolicy(t *testing.T) {
	const (
		h = time.Hour
		m = time.Minute
		s = time.Second
	)
	confirms := func(index, at time.Duration, issued uint64) envelope.Rotation {
		return envelope.Rotation{Confirmed: indexAt(index), ConfirmedAt: began.Add(at), Issued: issued}
	}
	for _, tc := range []struct {
		rule  string
		state envelope.Rotation
		index uint64
		load  time.Duration // since the begin
		save  time.Duration // after the load
		theft bool
		copy  bool              // one may be used
		next  envelope.Rotation // zero: the state stays
	}{
		{rule: "index 0 is confirmed, and not due", copy: true, state: fresh, load: interval - 1*s},
		{rule: "index 0 is due", state: fresh, load: interval, next: envelope.Rotation{Issued: indexAt(interval), PendingSince: at(interval)}},
		{rule: "the time of the save counts", copy: true, state: fresh, load: 0, save: interval, next: envelope.Rotation{Issued: indexAt(interval), PendingSince: at(interval)}},
		{rule: "a session that was never rotated adopts what it does not know", state: fresh, index: indexAt(m), load: h, next: confirms(m, h, indexAt(m))},

		{rule: "the first index before it has settled", state: first, index: first.Issued, load: h + settling + grace},
		{rule: "after it has settled", state: first, index: first.Issued, load: h + settling + grace + 1*s, next: confirms(h, h+settling+grace+1*s, first.Issued)},
		{rule: "the time of the load counts", state: first, index: first.Issued, load: h + settling + grace, save: h},
		{rule: "the index before, within the grace of the issue", state: first, load: h + grace},
		{rule: "the index before, later", state: first, load: h + grace + 1*s, next: envelope.Rotation{Issued: indexAt(h + grace + 1*s), PendingSince: at(h)}},
		{rule: "the time of its load counts", state: first, load: h + grace, save: h},

		{rule: "the confirmed index", copy: true, state: confirmed, index: confirmed.Confirmed, load: h + interval - 1*s},
		{rule: "the confirmed index that is due", state: confirmed, index: confirmed.Confirmed, load: h + interval, next: envelope.Rotation{
			Confirmed: indexAt(h), Issued: indexAt(h + interval), PendingSince: at(h + interval), Replaced: indexAt(h + m),
		}},
		{rule: "a higher index that was issued before, within its time", state: confirmed, index: indexAt(h + m), load: h + m + settling + grace},
		{rule: "a higher index that was issued before", state: confirmed, index: indexAt(h + m), load: h + 6*m, next: confirms(h+m, h+6*m, indexAt(h+m))},
		{rule: "a lower index within the grace of the confirmation", state: confirmed, load: h + 5*m + grace - 1*s},
		{rule: "a lower index later", state: confirmed, load: h + 5*m + grace, theft: true},
		{rule: "a lower index that was not index 0", state: confirmed, index: indexAt(m), load: h + 5*m + grace, theft: true},
		{rule: "an index that the store has lost", state: confirmed, index: indexAt(h + 2*m), load: h + 2*m + settling + grace},
		{rule: "an index that the store has lost, later", state: confirmed, index: indexAt(h + 2*m), load: h + 9*m, next: confirms(h+2*m, h+9*m, indexAt(h+2*m))},
		{rule: "an issue waits for the grace after the confirmation", copy: true, load: h + interval + 1*s, index: indexAt(h), state: confirms(h, h+interval, indexAt(h))},
		{rule: "and comes then", load: h + interval + grace, index: indexAt(h), state: confirms(h, h+interval, indexAt(h)), next: envelope.Rotation{
			Confirmed: indexAt(h), Issued: indexAt(h + interval + grace), PendingSince: at(h + interval + grace), Replaced: indexAt(h),
		}},
		{rule: "an index is higher than all before, whatever the clock says", state: inTheFuture, index: indexAt(h), load: 3 * h, next: envelope.Rotation{
			Confirmed: indexAt(h), Issued: indexAt(99*h) + 1, PendingSince: at(2 * h), Replaced: indexAt(h),
		}},
		{rule: "an issue waits until a higher index has settled", copy: true, state: outstanding, index: indexAt(h), load: h + 9*m + settling + grace},
		{rule: "by the time of the load", copy: true, state: outstanding, index: indexAt(h), load: h + 9*m + settling + grace, save: h},
		{rule: "and replaces it then", state: outstanding, index: indexAt(h), load: h + 9*m + settling + grace + 1*s, next: envelope.Rotation{
			Confirmed: indexAt(h), Issued: indexAt(h + 9*m + settling + grace + 1*s), PendingSince: at(h + 9*m + settling + grace + 1*s), Replaced: indexAt(h + 9*m),
		}},

		{rule: "the confirmed one while another is pending", state: pending, index: pending.Confirmed, load: 2*h + grace},
		{rule: "later, whenever the last was issued", state: pending, index: pending.Confirmed, load: 2*h + grace + 1*s, next: envelope.Rotation{
			Confirmed: indexAt(h), Issued: indexAt(2*h + grace + 1*s), PendingSince: at(2 * h), Replaced: pending.Replaced,
		}},
		{rule: "a pending one that is not the last", state: pending, index: indexAt(2 * h), load: 2*h + settling + grace},
		{rule: "a pending one that is not the last, settled", state: pending, index: indexAt(2 * h), load: 3 * h, next: confirms(2*h, 3*h, pending.Issued)},
		{rule: "the last pending one", state: pending, index: pending.Issued, load: 2*h + m + settling + grace},
		{rule: "the last pending one, settled", state: pending, index: pending.Issued, load: 3 * h, next: confirms(2*h+m, 3*h, pending.Issued)},
		{rule: "one that the store has lost while another is pending", state: pending, index: indexAt(2*h + 2*m), load: 3 * h, next: confirms(2*h+2*m, 3*h, indexAt(2*h+2*m))},
		{rule: "one below the confirmed", state: pending, load: 2 * h, theft: true},
		{rule: "one that was replaced", state: pending, index: pending.Replaced, load: 2 * h, theft: true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := sessionIn(tc.state)
				time.Sleep(tc.load)
				use := rotation.Use{Index: tc.index, At: records.Now()}
				if got := policy.IsTheft(c, tc.index); got != tc.theft {
					t.Errorf("theft: %t; want %t", got, tc.theft)
				}
				if got := policy.AllowsCopy(c, tc.index); got != tc.copy {
					t.Errorf("a copy may be used: %t", got)
				}
				time.Sleep(tc.save)
				want, changes := tc.next, tc.next != (envelope.Rotation{})
				if !changes {
					want = tc.state
				}
				if got, changed := policy.Next(c, use, true); got != want || changed != changes {
					t.Errorf("next: %+v, %t; want %+v, %t", got, changed, want, changes)
				}
				if got := policy.Due(c, use, true); got != changes {
					t.Errorf("due: %t", got)
				}
				issues := changes && tc.next.ConfirmedAt.IsZero()
				if got, changed := policy.Next(c, use, false); issues && (changed || got != tc.state) || !issues && got != want {
					t.Errorf("without a cookie: %+v, %t", got, changed)
				}
				if issues && rotation.Newest(want) != want.Issued || !issues && changes && rotation.Newest(want) != tc.index {
					t.Errorf("newest of %+v is %d", want, rotation.Newest(want))
				}
				if _, changed := policy.Next(c, rotation.Use{Index: tc.index}, true); changed {
					t.Error("an index that was not used changes the state")
				}
			})
		})
	}
}

func TestPolicyExempts(t *testing.T) {
	c := sessionIn(pending)
	c.Fields = c.Fields.WithBinding(envelope.Binding{Bound: true, Key: "key"})
	spares := policy
	spares.SparesBound = true
	for name, tc := range map[string]struct {
		p       *rotation.Policy
		c       *records.Content
		exempts bool
	}{
		"no rotation":                         {nil, sessionIn(pending), true},
		"bound, and bindings are checked":     {&spares, c, true},
		"bound, but bindings are not checked": {&policy, c, false},
		"not bound, but others may be":        {&spares, sessionIn(pending), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.p.Exempts(tc.c); got != tc.exempts {
				t.Errorf("exempts: %t", got)
			}
			use := rotation.Use{Index: pending.Confirmed, At: at(3 * time.Hour)}
			if got := tc.p.Due(tc.c, use, true); got == tc.exempts {
				t.Errorf("due: %t", got)
			}
			if got := tc.p.IsTheft(tc.c, 0); got == tc.exempts {
				t.Errorf("theft: %t", got)
			}
			if got := tc.p.AllowsCopy(tc.c, 0); got != tc.exempts {
				t.Errorf("a copy may be used: %t", got)
			}
		})
	}
}

// row is a row of the table of the protocol.
type row struct {
	applies func(s envelope.Rotation, i uint64) bool
	theft   func(s envelope.Rotation, now envelope.Time) bool
	confirm func(i uint64, load envelope.Time) bool
	issue   func(s envelope.Rotation, load, now envelope.Time) bool
}

// reference is the table of the protocol, row by row.
var reference = []row{
	{
		applies: func(s envelope.Rotation, i uint64) bool { return s.PendingSince == 0 && i == s.Confirmed },
		issue: func(s envelope.Rotation, load, now envelope.Time) bool {
			issued := began
			if s.Confirmed > 0 {
				issued = envelope.Time(s.Confirmed)
			}
			if s.Issued > s.Confirmed && !settled(s.Issued, load) {
				return false
			}
			return now >= issued.Add(interval) && now >= s.ConfirmedAt.Add(grace)
		},
	},
	{
		applies: func(s envelope.Rotation, i uint64) bool { return s.PendingSince == 0 && i > s.Confirmed },
		confirm: settled,
	},
	{
		applies: func(s envelope.Rotation, i uint64) bool { return s.PendingSince == 0 && i < s.Confirmed },
		theft:   func(s envelope.Rotation, now envelope.Time) bool { return now >= s.ConfirmedAt.Add(grace) },
	},
	{
		applies: func(s envelope.Rotation, i uint64) bool { return s.PendingSince != 0 && i == s.Confirmed },
		issue:   func(s envelope.Rotation, load, _ envelope.Time) bool { return load > s.PendingSince.Add(grace) },
	},
	{
		applies: func(s envelope.Rotation, i uint64) bool {
			return s.PendingSince != 0 && i != s.Confirmed && i > s.Replaced
		},
		confirm: settled,
	},
	{
		applies: func(s envelope.Rotation, i uint64) bool {
			return s.PendingSince != 0 && i != s.Confirmed && i <= s.Replaced
		},
		theft: func(envelope.Rotation, envelope.Time) bool { return true },
	},
}

func settled(i uint64, load envelope.Time) bool { return load > envelope.Time(i).Add(settling+grace) }

// FuzzPolicy compares a history of uses with the table of the protocol. Each use takes four
// bytes: the time since the one before, which index is used, how old its load is, and whether
// a cookie can be sent.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte{60, 0, 0, 1, 10, 1, 0, 1, 200, 1, 3, 1, 9, 0, 0, 1, 30, 2, 1, 1})
	f.Add([]byte{255, 0, 0, 1, 255, 0, 0, 1, 255, 2, 0, 1, 255, 1, 0, 1, 255, 0, 0, 1})
	f.Fuzz(func(t *testing.T, uses []byte) {
		synctest.Test(t, func(t *testing.T) {
			state := envelope.Rotation{}
			indexes := []uint64{0}
			for uses = uses[:min(len(uses), 256)]; len(uses) >= 4; uses = uses[4:] {
				time.Sleep(time.Duration(uses[0]) * 5 * time.Second)
				c, now := sessionIn(state), records.Now()
				load := now.Add(-time.Duration(uses[2]) * 10 * time.Second)
				index := indexes[int(uses[1])%len(indexes)] + uint64(uses[3]>>1)
				mayIssue := uses[3]&1 == 1
				compare(t, c, state, rotation.Use{Index: index, At: load}, now, mayIssue)
				state, _ = policy.Next(c, rotation.Use{Index: index, At: load}, mayIssue)
				if newest := rotation.Newest(state); newest != indexes[len(indexes)-1] {
					indexes = append(indexes, newest)
				}
			}
		})
	})
}

// compare checks the policy against the one row that applies.
func compare(t *testing.T, c *records.Content, s envelope.Rotation, use rotation.Use, now envelope.Time, mayIssue bool) {
	t.Helper()
	if s == (envelope.Rotation{}) {
		s.ConfirmedAt = began
	}
	applied := 0
	for _, r := range reference {
		if !r.applies(s, use.Index) {
			continue
		}
		applied++
		if got, want := policy.IsTheft(c, use.Index), r.theft != nil && r.theft(s, now); got != want {
			t.Errorf("index %d in %+v: theft %t; want %t", use.Index, s, got, want)
		}
		next, changed := policy.Next(c, use, mayIssue)
		switch {
		case r.confirm != nil && r.confirm(use.Index, use.At):
			if want := (envelope.Rotation{Confirmed: use.Index, ConfirmedAt: now, Issued: max(s.Issued, use.Index)}); next != want || !changed {
				t.Errorf("index %d in %+v: %+v; want %+v", use.Index, s, next, want)
			}
		case r.issue != nil && r.issue(s, use.At, now) && mayIssue:
			if next.Issued <= s.Issued || next.Issued < uint64(now) || next.Confirmed != s.Confirmed || next.ConfirmedAt != 0 || !changed {
				t.Errorf("index %d in %+v: %+v; want another index", use.Index, s, next)
			}
			if s.PendingSince != 0 && (next.PendingSince != s.PendingSince || next.Replaced != s.Replaced) ||
				s.PendingSince == 0 && (next.PendingSince != now || next.Replaced != s.Issued) {
				t.Errorf("index %d in %+v: %+v", use.Index, s, next)
			}
		case changed:
			t.Errorf("index %d in %+v: %+v; want no change", use.Index, s, next)
		}
		stored := sessionIn(next)
		stored.EncodeAfter(nil, &stored.Entries, nil)
		if e, err := envelope.Decode(id, stored.Record(id).Data); err != nil || e.Fields.Rotation() != next {
			t.Errorf("%+v is stored as %+v, %v", next, e.Fields.Rotation(), err)
		}
	}
	if applied != 1 {
		t.Errorf("index %d in %+v: %d rows apply", use.Index, s, applied)
	}
}
