package session_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// leaseEvents is an option of newWorld that collects the events of leases.
func leaseEvents(events *[]session.Event) func(*session.Config) {
	var mu sync.Mutex
	return func(cfg *session.Config) {
		cfg.Observer = func(_ context.Context, e session.Event) {
			switch e.Op {
			case session.OpRefresh, session.OpLeaseWait, session.OpLeaseExpired:
				mu.Lock()
				defer mu.Unlock()
				*events = append(*events, e)
			}
		}
	}
}

// wantLease checks an event of a lease of key a.
func wantLease(t *testing.T, e session.Event, op session.Op, outcome session.Outcome, took time.Duration) {
	t.Helper()
	if e.Op != op || e.Outcome() != outcome || e.Key != "a" || e.Duration != took {
		t.Errorf("%s of key %q: %s after %v, %v; want %s: %s after %v", e.Op, e.Key, e.Outcome(), e.Duration, e.Err, op, outcome, took)
	}
}

func TestRuleRefreshIsObserved(t *testing.T) {
	slow := func(err error) func(context.Context, int) (int, error) {
		return func(context.Context, int) (int, error) {
			time.Sleep(takes)
			return 2, err
		}
	}

	bubble("taken, and waited for", t, func(t *testing.T) {
		var events []session.Event
		_, c, id := begun(t, leaseEvents(&events))
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { c.tab().post(refreshing(t, 1, 2, nil, slow(nil))) })
		}
		all.Wait()
		c.post(refreshing(t, 1, 2, nil, nil)) // not stale
		if len(events) != 2 {
			t.Fatalf("%+v", events)
		}
		if events[0].Op == session.OpLeaseWait {
			events[0], events[1] = events[1], events[0]
		}
		wantLease(t, events[0], session.OpRefresh, session.OutcomeOK, takes)
		wantLease(t, events[1], session.OpLeaseWait, session.OutcomeOK, takes)
		if events[0].PublicID != id || events[1].PublicID != id {
			t.Errorf("%+v", events)
		}
	})

	bubble("a function that fails", t, func(t *testing.T) {
		for _, err := range []error{errBroken, session.ErrConflict, session.ErrEnded, context.Canceled} {
			var events []session.Event
			_, c, _ := begun(t, leaseEvents(&events))
			c.post(refreshing(t, 1, 2, err, slow(err)))
			if len(events) != 1 || !errors.Is(events[0].Err, err) {
				t.Fatalf("%+v", events)
			}
			wantLease(t, events[0], session.OpRefresh, session.OutcomeFailed, takes)
		}
	})

	bubble("a function that panics", t, func(t *testing.T) {
		var events []session.Event
		_, c, _ := begun(t, leaseEvents(&events))
		func() {
			defer func() { _ = recover() }()
			c.post(refreshing(t, 1, 2, nil, func(context.Context, int) (int, error) { panic("no") }))
		}()
		if len(events) != 1 {
			t.Fatalf("%+v", events)
		}
		wantLease(t, events[0], session.OpRefresh, session.OutcomeFailed, 0)
	})

	bubble("a wait that is given up", t, func(t *testing.T) {
		var events []session.Event
		_, c := crash(t, leaseEvents(&events))
		events = nil
		c.post(func(s *session.Session) {
			ctx, cancel := context.WithTimeout(t.Context(), takes)
			defer cancel()
			_, err := keyA.Refresh(ctx, s, is(1), nil)
			wantErr(t, err, session.ErrUnavailable)
		})
		if len(events) != 1 {
			t.Fatalf("%+v", events)
		}
		wantLease(t, events[0], session.OpLeaseWait, session.OutcomeUnavailable, takes)
	})

	bubble("expired after a crash", t, func(t *testing.T) {
		var events []session.Event
		_, c := crash(t, leaseEvents(&events))
		events = nil
		var runs atomic.Int64
		c.post(refreshing(t, 1, 2, nil, to(2, &runs)))
		if len(events) != 3 {
			t.Fatalf("%+v", events)
		}
		wantLease(t, events[0], session.OpLeaseExpired, session.OutcomeOK, 0)
		wantLease(t, events[1], session.OpLeaseWait, session.OutcomeOK, events[1].Duration)
		wantLease(t, events[2], session.OpRefresh, session.OutcomeOK, 0)
	})

	bubble("fenced", t, func(t *testing.T) {
		var events []session.Event
		_, c, _ := begun(t, leaseEvents(&events))
		other := c.tab()
		var runs atomic.Int64
		c.post(refreshing(t, 1, 5, session.ErrConflict, func(context.Context, int) (int, error) {
			time.Sleep(40 * time.Second)
			other.post(refreshing(t, 1, 2, nil, to(2, &runs))).wantPage(t)
			return 5, nil
		}))
		if len(events) != 3 {
			t.Fatalf("%+v", events)
		}
		wantLease(t, events[0], session.OpLeaseExpired, session.OutcomeOK, 0)
		wantLease(t, events[1], session.OpRefresh, session.OutcomeOK, 0)
		wantLease(t, events[2], session.OpRefresh, session.OutcomeFenced, 40*time.Second)
		if got := session.StatusCode(events[2].Err); got != http.StatusConflict {
			t.Errorf("status %d", got)
		}
	})

	bubble("a key that others have changed", t, func(t *testing.T) {
		var events []session.Event
		_, c, _ := begun(t, leaseEvents(&events))
		other := c.tab()
		c.post(refreshing(t, 1, 2, session.ErrConflict, during(func() { other.post(set("a=7")) })))
		if len(events) != 1 {
			t.Fatalf("%+v", events)
		}
		wantLease(t, events[0], session.OpRefresh, session.OutcomeConflict, 0)
	})
}
