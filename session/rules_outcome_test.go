package session_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleQueue(t *testing.T) {
	const writers = 50
	// slow gives every save a millisecond of the bubble's time, so that all
	// writers who do not wait for each other meet in the store.
	slow := func(hook saveHook) saveHook { return then(func() { time.Sleep(time.Millisecond) }, hook) }

	bubble("parallel writers need attempts in the number of instances, not of requests", t, func(t *testing.T) {
		w, c, _ := begun(t)
		second := w.manager()
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, 10*writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(i int) {
			tab := c.tab()
			if i%2 == 1 {
				tab.m = second
			}
			tab.post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > 4*writers {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("a place is held through the re-run", t, func(t *testing.T) {
		_, c, _ := begun(t)
		meet := barrier(writers)
		var runs atomic.Int64
		parallel(writers, func(int) {
			first := true
			c.tab().get(func(s *session.Session) {
				runs.Add(1)
				n, _ := keyA.Get(s)
				if first {
					first = false
					meet()
				}
				time.Sleep(time.Millisecond)
				keyA.Set(s, n+1)
			}).wantPage(t)
		})
		c.wantState("a=51")
		if n := runs.Load(); n > 4*writers {
			t.Errorf("%d runs for %d requests", n, writers)
		}
	})

	bubble("a place is held through the read-back", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass), slow(landed), slow(dropped)}, 4*writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > 6*writers {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("Session.Update queues, too", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, 10*writers)...)
		var runs atomic.Int64
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) {
				meet()
				wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
					runs.Add(1)
					n, _ := keyA.Get(s)
					keyA.Set(s, n+1)
					return nil
				}), nil)
			}).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := runs.Load(); n > 4*writers {
			t.Errorf("%d runs for %d requests", n, writers)
		}
	})

	t.Run("a save in flight holds up no request", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		p := newPause()
		w.onSave(before(p.here))
		done := make(chan *answer)
		go func() { done <- c.post(add(keyA, 1)) }()
		p.reached()
		tab.post(add(keyA, 10)).wantPage(t)
		p.resume()
		(<-done).wantPage(t)
		c.wantState("a=12")
	})

	t.Run("sessions do not queue behind each other", func(t *testing.T) {
		w, c, _ := begun(t)
		other := w.client()
		other.post(set("a=1"))
		rival := c.tab()
		w.onSave(before(func() { rival.post(add(keyA, 1)) }), pass, // conflict: c is now in the queue
			before(func() { // and holds its place, while another session conflicts, too
				tab := other.tab()
				w.onSave(before(func() { tab.post(add(keyA, 1)) }))
				other.post(add(keyA, 1)).wantPage(t)
			}))
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=3")
		other.wantState("a=3")
	})
}
