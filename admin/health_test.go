package admin

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// levelsOf returns the levels of the checks by their names.
func levelsOf(checks []check) map[string]level {
	levels := map[string]level{}
	for _, c := range checks {
		levels[c.Name] = c.Level
	}
	return levels
}

func TestChecks(t *testing.T) {
	now := time.Now()
	conflict := fmt.Errorf("key basket: %w", session.ErrConflict)
	signs := session.SigningKey{From: now.Add(-time.Hour), InRing: true, Signs: true}
	for name, c := range map[string]struct {
		events map[error]int // of saves
		keys   []session.SigningKey
		keyErr error
		probe  probe
		check  string
		want   level
	}{
		"a store that answers":        {check: "Store", want: levelFine},
		"a store that is slow":        {probe: probe{took: time.Second}, check: "Store", want: levelWatch},
		"a store that fails":          {probe: probe{err: errors.New("down")}, check: "Store", want: levelProblem},
		"no keys yet":                 {check: "Signing keys", want: levelFine},
		"a young key":                 {keys: []session.SigningKey{signs}, check: "Signing keys", want: levelFine},
		"keys that cannot be read":    {keyErr: errors.New("damaged"), check: "Signing keys", want: levelProblem},
		"a key that was not rotated":  {keys: []session.SigningKey{{From: now.Add(-90 * 24 * time.Hour), InRing: true, Signs: true}}, check: "Signing keys", want: levelWatch},
		"an old key that verifies":    {keys: []session.SigningKey{signs, {From: now.Add(-90 * 24 * time.Hour), InRing: true}}, check: "Signing keys", want: levelFine},
		"a key that is dated ahead":   {keys: []session.SigningKey{{From: now.Add(2 * time.Hour), InRing: true}, signs}, check: "Signing keys", want: levelWatch},
		"a key that is about to sign": {keys: []session.SigningKey{{From: now.Add(15 * time.Minute), InRing: true}, signs}, check: "Signing keys", want: levelFine},
		"a key of the Config":         {keys: []session.SigningKey{{Signs: true}}, check: "Signing keys", want: levelFine},
		"no failure":                  {events: map[error]int{nil: 1000}, check: "Store failures", want: levelFine},
		"a failure":                   {events: map[error]int{nil: 1000, session.ErrUnavailable: 1}, check: "Store failures", want: levelWatch},
		"many failures":               {events: map[error]int{nil: 1000, session.ErrUnavailable: 20}, check: "Store failures", want: levelProblem},
		"an unknown outcome":          {events: map[error]int{nil: 1000, session.ErrOutcomeUnknown: 1}, check: "Unknown outcomes", want: levelWatch},
		"few commits":                 {events: map[error]int{nil: 10, conflict: 10}, check: "Conflicts", want: levelFine},
		"few conflicts":               {events: map[error]int{nil: 1000, conflict: 5}, check: "Conflicts", want: levelFine},
		"some conflicts":              {events: map[error]int{nil: 1000, conflict: 30}, check: "Conflicts", want: levelWatch},
		"many conflicts":              {events: map[error]int{nil: 1000, conflict: 100}, check: "Conflicts", want: levelProblem},
		"an unreadable record":        {events: map[error]int{session.ErrUnreadable: 1}, check: "Unreadable records and values", want: levelProblem},
		"a session that is too large": {events: map[error]int{session.ErrTooLarge: 1}, check: "Refused changes", want: levelWatch},
	} {
		t.Run(name, func(t *testing.T) {
			var s Stats
			for err, n := range c.events {
				for range n {
					s.observe(event(session.OpSave, time.Millisecond, err))
				}
			}
			checks := checksOf(s.lastHour(time.Now()), c.keys, c.keyErr, c.probe, true, now)
			for name, got := range levelsOf(checks) {
				want := levelFine
				if name == c.check {
					want = c.want
				}
				if got != want && (name == c.check || len(c.events) == 0) {
					t.Errorf("%s is %s, want %s", name, got, want)
				}
			}
			for _, c := range checks {
				if (c.Level == levelFine) != (c.Advice == "") {
					t.Errorf("%s is %s, with the advice %q", c.Name, c.Level, c.Advice)
				}
			}
		})
	}
	if n := len(checksOf(new(lastHour), nil, nil, probe{}, false, now)); n != 2 {
		t.Errorf("%d checks without Stats", n)
	}
}

func TestChartKeepsNamesApart(t *testing.T) {
	for _, last := range [][2]float64{{0, 0}, {5, 5}, {10, 10}, {0, 10}, {10, 0}, {9, 10}, {0, 1}} {
		var a, b series
		for i := range hour {
			a.values[i], b.values[i] = 10, 10
		}
		a.values[hour-1], b.values[hour-1] = last[0], last[1]
		c := newChart("x", "X", "", "", numberText, a, b)
		upper, lower := c.Lines[0].LabelY, c.Lines[1].LabelY
		if upper > lower {
			upper, lower = lower, upper
		}
		if lower-upper < labelGap-0.01 || lower > plotBottom+4.01 {
			t.Errorf("%v: the names are at %v and %v", last, upper, lower)
		}
		if (last[0] > last[1]) != (c.Lines[0].LabelY < c.Lines[1].LabelY) && last[0] != last[1] {
			t.Errorf("%v: the names are in the wrong order", last)
		}
	}
}

func TestChartOfNothing(t *testing.T) {
	for _, c := range chartsOf(new(Stats).lastHour(time.Now())) {
		if !c.Empty {
			t.Errorf("%s is not empty", c.Title)
		}
		for _, l := range c.Lines {
			if strings.Contains(l.Path, "NaN") {
				t.Errorf("the path of %s is %s", c.Title, l.Path)
			}
		}
	}
}

func TestNiceTop(t *testing.T) {
	for v, want := range map[float64]float64{0: 2, 1: 2, 2: 2, 3: 4, 5: 10, 11: 20, 21: 40, 41: 100, 1000: 1000} {
		if got := niceTop(v); got != want {
			t.Errorf("above %v the axis ends at %v, want %v", v, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for got, want := range map[string]string{
		countText(0): "0", countText(999): "999", countText(1234567): "1\u202f234\u202f567",
		roundText(1234567): "1\u202f200\u202f000", roundText(42): "42",
		bytesText(130): "130 B", bytesText(2048): "2.0 KiB", bytesText(3 << 20): "3.0 MiB",
		latencyText(0): "–", latencyText(1500 * time.Nanosecond): "1.5 µs", latencyText(250 * time.Microsecond): "250 µs",
		latencyText(2500 * time.Microsecond): "2.5 ms", latencyText(42 * time.Millisecond): "42 ms", latencyText(3 * time.Second): "3.0 s",
		agoText(now.Add(-30*time.Second), now): "30 s ago", agoText(now, now): "now", agoText(now.Add(15*time.Minute), now): "in 15 min",
		agoText(now.Add(-100*time.Minute), now): "1 h ago", agoText(now.Add(-72*time.Hour), now): "3 days ago",
		percentText(0, 0): "0 %", percentText(1, 10000): "under 0.1 %", percentText(55, 1000): "5.5 %",
		pluralText(1, "key"): "1 key", pluralText(2, "key"): "2 keys",
		visible("a\u202eb\n"): "a\\u{202e}b\n",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
