package session_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// expiredAtOnce is a save that the store acknowledges, and takes for one of what has expired.
func expiredAtOnce(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return nil }

// A session that was saved and is absent a moment later is logged.
func TestRuleVanished(t *testing.T) {
	vanishings := func(w *world) int { return strings.Count(w.log.String(), "was saved a moment ago") }
	begin := func(w *world) *client {
		c := w.client()
		w.onSave(expiredAtOnce)
		c.post(set("a=1")).wantPage(t)
		return c
	}

	bubble("it is logged, at no further trip", t, func(t *testing.T) {
		w := newWorld(t)
		c := begin(w)
		if trips := w.trips(func() { c.wantState("empty") }); trips != 1 {
			t.Errorf("%d trips, want 1", trips)
		}
		if n := vanishings(w); n != 1 || !strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("logged %d times, want once: %s", n, &w.log)
		}
	})

	bubble("once an hour", t, func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			c := begin(w)
			c.wantState("empty")
			c.wantState("empty")
		}
		if n := vanishings(w); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
		time.Sleep(time.Hour)
		begin(w).wantState("empty")
		if n := vanishings(w); n != 2 {
			t.Errorf("logged %d times after an hour, want twice", n)
		}
	})

	bubble("after a login as well", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(expiredAtOnce)
		c.post((*session.Session).Renew).wantPage(t)
		c.wantState("empty")
		if n := vanishings(w); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
	})

	for _, tc := range []struct {
		rule  string
		idle  time.Duration
		after time.Duration
		want  int
	}{
		{"for a minute", time.Hour, time.Minute - 1, 1},
		{"for no longer than a minute", time.Hour, time.Minute, 0},
		{"for half of its time", time.Minute, 30*time.Second - 1, 1},
		{"for no longer than half of its time", time.Minute, 30 * time.Second, 0},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w := newWorld(t, func(cfg *session.Config) { cfg.IdleTimeout = tc.idle })
			c := begin(w)
			time.Sleep(tc.after)
			c.wantState("empty")
			if n := vanishings(w); n != tc.want {
				t.Errorf("logged %d times, want %d", n, tc.want)
			}
		})
	}

	bubble("what was ended has not vanished", t, func(t *testing.T) {
		w, c, _ := begun(t)
		old := c.tab()
		c.post((*session.Session).Destroy).wantPage(t)
		old.wantState("empty")
		time.Sleep(10 * time.Minute)
		old.wantState("empty")
		if n := vanishings(w); n != 0 {
			t.Errorf("logged %d times, want never", n)
		}
	})
}
