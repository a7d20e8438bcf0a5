package session_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// is returns a stale that is true for that value.
func is(stale int) func(int) bool { return func(n int) bool { return n == stale } }

// to returns a function that renews to v and counts its runs.
func to(v int, runs *atomic.Int64) func(context.Context, int) (int, error) {
	return func(context.Context, int) (int, error) {
		runs.Add(1)
		return v, nil
	}
}

// refreshing runs keyA.Refresh in a handler and checks its result.
func refreshing(t testing.TB, stale, want int, wantError error, fn func(context.Context, int) (int, error)) func(*session.Session) {
	return func(s *session.Session) {
		t.Helper()
		got, err := keyA.Refresh(t.Context(), s, is(stale), fn)
		if got != want || !errors.Is(err, wantError) {
			t.Errorf("Refresh returned %d, %v; want %d, %v", got, err, want, wantError)
		}
	}
}

// Eight requests at the same time, of two instances.
func TestRuleRefreshRunsOnce(t *testing.T) {
	for name, l := range map[string]session.Isolation{"merge": session.LevelMerge, "serializable": session.LevelSerializable, "strict": session.LevelStrict} {
		bubble(name, t, func(t *testing.T) {
			w, c, _ := begun(t, level(l))
			other := w.manager(level(l))
			var runs atomic.Int64
			var all sync.WaitGroup
			for i := range 8 {
				tab := c.tab()
				if i%2 == 0 {
					tab.m = other
				}
				all.Go(func() {
					tab.get(refreshing(t, 1, 2, nil, func(_ context.Context, old int) (int, error) {
						runs.Add(1)
						time.Sleep(3 * time.Second)
						return old + 1, nil
					})).wantPage(t)
				})
			}
			all.Wait()
			if n := runs.Load(); n != 1 {
				t.Errorf("ran %d times", n)
			}
			c.wantState("a=2")
		})
	}
}

func TestRuleRefreshCosts(t *testing.T) {
	var runs atomic.Int64
	for _, tc := range []struct {
		rule  string
		fn    func(*session.Session)
		trips int64
	}{
		{"a value that is not stale: none beside the load", refreshing(t, 7, 1, nil, to(2, &runs)), 1},
		{"a stale value: two saves", refreshing(t, 1, 2, nil, to(2, &runs)), 3},
		{"a stale value, and a change of another key", inOrder(refreshing(t, 1, 2, nil, to(2, &runs)), set("b=1")), 4},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, c, _ := begun(t)
			w.wantTrips(t, tc.trips, func() { c.post(tc.fn).wantPage(t) })
		})
	}
}

// An error or a panic of the function gives up the lease at once, and each request that
// has waited runs its own function, one at a time.
func TestRuleRefreshThatFails(t *testing.T) {
	errDown := errors.New("the provider is down")
	bubble("error", t, func(t *testing.T) {
		_, c, _ := begun(t)
		var running, runs atomic.Int64
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				c.tab().post(refreshing(t, 1, 9, errDown, func(context.Context, int) (int, error) {
					if running.Add(1) > 1 {
						t.Error("two functions run at the same time")
					}
					runs.Add(1)
					time.Sleep(time.Second)
					running.Add(-1)
					return 9, errDown
				})).wantPage(t)
			})
		}
		began := time.Now()
		all.Wait()
		if n, took := runs.Load(), time.Since(began); n != 5 || took > 6*time.Second {
			t.Errorf("%d runs in %v; want 5, one after the other", n, took)
		}
		c.wantState("a=1")
	})
	bubble("panic", t, func(t *testing.T) {
		_, c, _ := begun(t)
		func() {
			defer func() { _ = recover() }()
			c.tab().post(refreshing(t, 1, 0, nil, func(context.Context, int) (int, error) { panic(http.ErrAbortHandler) }))
		}()
		var runs atomic.Int64
		began := time.Now()
		c.post(refreshing(t, 1, 2, nil, to(2, &runs))).wantPage(t)
		if time.Since(began) > time.Second {
			t.Error("the lease of a function that has panicked was waited for")
		}
	})
}

// A function that takes longer than its lease is told to end, and its result is not saved
// once another request has taken the lease over.
func TestRuleRefreshBeyondItsLease(t *testing.T) {
	bubble("taken over", t, func(t *testing.T) {
		_, c, _ := begun(t)
		began := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			c.tab().post(refreshing(t, 1, 2, session.ErrConflict, func(ctx context.Context, _ int) (int, error) {
				close(began)
				<-ctx.Done()
				if took := time.Since(start(ctx, t)); took != 0 {
					t.Errorf("the context ended %v after its deadline", took)
				}
				time.Sleep(time.Minute)
				return 2, nil
			})).wantPage(t)
		})
		<-began
		var runs atomic.Int64
		c.tab().post(refreshing(t, 1, 3, nil, to(3, &runs))).wantPage(t)
		all.Wait()
		c.wantState("a=3")
	})
	bubble("returns while another runs", t, func(t *testing.T) {
		_, c, _ := begun(t)
		began, over, late := make(chan struct{}), make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			c.tab().post(refreshing(t, 1, 2, session.ErrConflict, func(context.Context, int) (int, error) {
				close(began)
				<-over
				return 2, nil
			})).wantPage(t)
			close(late)
		})
		<-began
		c.tab().post(refreshing(t, 1, 3, nil, func(context.Context, int) (int, error) {
			close(over)
			<-late
			return 3, nil
		})).wantPage(t)
		all.Wait()
		c.wantState("a=3")
	})
	bubble("not taken over", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(refreshing(t, 1, 2, nil, func(context.Context, int) (int, error) {
			time.Sleep(10 * time.Minute)
			return 2, nil
		})).wantPage(t)
		c.wantState("a=2")
	})
}

// start returns the deadline of ctx.
func start(ctx context.Context, t testing.TB) time.Time {
	at, ok := ctx.Deadline()
	if !ok {
		t.Error("no deadline")
	}
	return at
}

// The context of the function ends at the deadline of the caller's, after 30 seconds
// without one, and after five minutes at the latest.
func TestRuleRefreshDeadlines(t *testing.T) {
	for name, tc := range map[string]struct{ caller, want time.Duration }{
		"none":   {0, 30 * time.Second},
		"early":  {time.Second, time.Second},
		"late":   {time.Minute, time.Minute},
		"latest": {time.Hour, 5 * time.Minute},
	} {
		bubble(name, t, func(t *testing.T) {
			_, c, _ := begun(t)
			ctx := t.Context()
			if tc.caller > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tc.caller)
				defer cancel()
			}
			c.post(func(s *session.Session) {
				_, err := keyA.Refresh(ctx, s, is(1), func(ctx context.Context, _ int) (int, error) {
					if got := time.Until(start(ctx, t)); got != tc.want {
						t.Errorf("%v; want %v", got, tc.want)
					}
					return 2, nil
				})
				wantErr(t, err, nil)
			})
		})
	}
}

// crash returns a client whose session has the lease of a process that has crashed while
// its function ran.
func crash(t *testing.T, opts ...func(*session.Config)) (*world, *client) {
	w, c, id := begun(t, opts...)
	var left *provider.Record
	c.tab().post(func(s *session.Session) {
		_, _ = keyA.Refresh(t.Context(), s, is(1), func(context.Context, int) (int, error) {
			left = w.stored(id)
			return 0, errBroken
		})
	})
	if err := w.store.Provider.Save(t.Context(), left, -1); err != nil {
		t.Fatal(err)
	}
	return w, c
}

// A lease of a holder that has crashed ends after its time, and is polled until then.
func TestRuleRefreshAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := crash(t)
		began := time.Now()
		var runs atomic.Int64
		trips := w.trips(func() { c.post(refreshing(t, 1, 2, nil, to(2, &runs))).wantPage(t) })
		if took := time.Since(began); took < 30*time.Second || took > 36*time.Second {
			t.Errorf("took the lease over after %v", took)
		}
		if trips > 200 {
			t.Errorf("%d trips in 35 seconds", trips)
		}
		c.wantState("a=2")
	})
}

func TestRuleRefreshStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := crash(t)
		c.post(func(s *session.Session) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			got, err := keyA.Refresh(ctx, s, is(1), nil)
			if got != 1 || !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d, %v", got, err)
			}
		}).wantPage(t)
	})
}
