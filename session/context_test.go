package session_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// waysToWait are the ways in which a store may use the context of a call: by its
// deadline, by looking at Err now and then, or by waiting for Done. Each returns when the
// context has ended.
var waysToWait = map[string]func(context.Context){
	"Deadline": func(ctx context.Context) {
		if deadline, ok := ctx.Deadline(); ok {
			time.Sleep(time.Until(deadline))
		}
	},
	"Err": func(ctx context.Context) {
		for ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
			synctest.Wait() // for a timer that goes off at this very moment
		}
	},
	"Done": func(ctx context.Context) { <-ctx.Done() },
}

func TestTheContextOfALoadEnds(t *testing.T) {
	for way, wait := range waysToWait {
		for _, c := range []struct {
			name  string
			bound func(context.Context) (context.Context, context.CancelFunc)
			want  time.Duration
		}{
			{
				"with StoreTimeout",
				func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
				2 * time.Second,
			},
			{
				"with the caller's deadline",
				func(ctx context.Context) (context.Context, context.CancelFunc) {
					return context.WithTimeout(ctx, time.Second)
				},
				time.Second,
			},
		} {
			t.Run(way+" "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(cfg *session.Config) { cfg.StoreTimeout = 2 * time.Second })
					visitor := w.client()
					visitor.post(func(s *session.Session) { keyA.Set(s, 1) })
					var took time.Duration
					w.onFetch(func(ctx context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
						start := time.Now()
						wait(ctx)
						took = time.Since(start)
						return nil, ctx.Err()
					})
					visitor.handle(http.MethodGet, func(_ http.ResponseWriter, r *http.Request) {
						ctx, cancel := c.bound(r.Context())
						defer cancel()
						if _, err := session.Load(ctx); err == nil {
							t.Error("loaded")
						}
					})
					if took != c.want {
						t.Errorf("ended after %v, want %v", took, c.want)
					}
				})
			})
		}
	}
}

// With a context that can be cancelled some stores need a goroutine for each call, and
// some lose the connection when it is cancelled. So a visitor who leaves cancels no call.
func TestTheContextOfACallOnlyTimesOut(t *testing.T) {
	onlyTimesOut := func(ctx context.Context) bool {
		says, ok := ctx.(interface{ OnlyTimesOut() bool })
		if !ok || !says.OnlyTimesOut() || ctx.Err() != nil {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		default:
			return true
		}
	}
	w := newWorld(t)
	visitor := w.client()
	visitor.post(set("a=1"))
	for _, leaves := range []string{"before the load", "in the load", "in the save"} {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		at := func(place string) {
			if leaves == place {
				leave()
			}
		}
		calls := 0
		w.onFetch(func(call context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			at("in the load")
			calls++
			if !onlyTimesOut(call) {
				t.Errorf("a visitor who leaves %s ends the load", leaves)
			}
			return next(call, id)
		})
		w.onSave(func(call context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			at("in the save")
			calls++
			if !onlyTimesOut(call) {
				t.Errorf("a visitor who leaves %s ends the save", leaves)
			}
			return next(call, rec, expect)
		})
		r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
		at("before the load")
		visitor.serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			keyA.Update(s, func(n int) int { return n + 1 })
		}), r)
		if calls != 2 {
			t.Errorf("a visitor who leaves %s: %d calls, want a load and a save", leaves, calls)
		}
	}
	visitor.wantState("a=4")
}

// Calls share timers. Each call ends at its own deadline all the same, however many there
// are and whichever ends first.
func TestEachCallEndsAtItsDeadline(t *testing.T) {
	t.Run("in a test's bubble", func(t *testing.T) { synctest.Test(t, manyCalls) })
	t.Run("in ordinary time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(20 * 365 * 24 * time.Hour) // as outside of a bubble; in one, clocks begin in 2000
			manyCalls(t)
		})
	})
}

func manyCalls(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.StoreTimeout = 10 * time.Second })
	visitor := w.client()
	visitor.post(func(s *session.Session) { keyA.Set(s, 1) })
	hung := w.store
	hung.OnFetch = func(ctx context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for round := range 3 { // with pauses in which no call is under way
		var all sync.WaitGroup
		for i := range 50 {
			begin := time.Duration(i) * 100 * time.Millisecond
			timeout := time.Duration(1+(49-i)*7%23) * 500 * time.Millisecond
			all.Go(func() {
				time.Sleep(begin)
				start := time.Now()
				visitor.tab().handle(http.MethodGet, func(_ http.ResponseWriter, r *http.Request) {
					ctx, cancel := context.WithTimeout(r.Context(), timeout)
					defer cancel()
					if _, err := session.Load(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("round %d, %d: %v", round, i, err)
					}
				})
				if got, want := time.Since(start), min(timeout, 10*time.Second); got != want {
					t.Errorf("round %d: a call ended after %v, want %v", round, got, want)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
	}
}

// A context that is derived from the context of a call ends with it, for the same reason,
// and needs no goroutine to wait for that.
func TestWhatIsDerivedFromACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 2 * time.Second
		w := newWorld(t, func(cfg *session.Config) { cfg.StoreTimeout = timeout })
		visitor := w.client()
		visitor.post(func(s *session.Session) { keyA.Set(s, 1) })
		start := time.Now()
		var after, stopped, late bool
		w.onFetch(func(ctx context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
			before := httpBubble() // goroutines of earlier tests may end at any time
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			context.AfterFunc(ctx, func() { after = true })
			stop := context.AfterFunc(ctx, func() { stopped = true })
			if !stop() || stop() {
				t.Error("AfterFunc is stopped once")
			}
			if n := httpBubble(); n != before {
				t.Errorf("%d goroutines, %d before", n, before)
			}
			<-child.Done()
			if took := time.Since(start); took != timeout {
				t.Errorf("ended after %v", took)
			}
			if !errors.Is(child.Err(), context.DeadlineExceeded) {
				t.Errorf("ended with %v", child.Err())
			}
			context.AfterFunc(ctx, func() { late = true })
			return nil, ctx.Err()
		})
		visitor.post(read(keyA))
		synctest.Wait()
		if !after || stopped || !late {
			t.Errorf("AfterFunc: ran %v; ran though stopped %v; ran when it was late %v", after, stopped, late)
		}
	})
}

// The context of a call that has returned is done, for code that still holds it.
func TestTheContextEndsWithTheCall(t *testing.T) {
	w := newWorld(t)
	visitor := w.client()
	visitor.post(set("a=1"))
	var held context.Context
	for _, early := range []bool{false, true} {
		w.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			held = ctx
			if early {
				ctx.Done()
			}
			return next(ctx, id)
		})
		visitor.post(read(keyA)).wantPage(t)
		select {
		case <-held.Done():
		default:
			t.Error("not done")
		}
		if held.Err() != context.Canceled {
			t.Errorf("error %v", held.Err())
		}
	}
}

// Nothing keeps a call that is over, or a context derived from it, in memory until its
// deadline.
func TestACallThatIsOverIsForgotten(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.StoreTimeout = time.Hour })
	visitor := w.client()
	visitor.post(set("a=1"))
	w.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		ctx.Done()
		return next(ctx, id)
	})
	type key struct{}
	large := new([1 << 20]byte)
	held := weak.Make(large)
	visitor.serve(w.m.HandlerFunc(func(http.ResponseWriter, *http.Request, *session.Session) {}),
		httptest.NewRequest(http.MethodGet, "/", nil).WithContext(context.WithValue(t.Context(), key{}, large)))
	large = nil
	for range 1000 { // what another test leaves running may delay it
		if runtime.GC(); held.Value() == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the request is kept in memory")
}

// The timer of a bubble that has ended never fires. A Manager must work on after it.
func TestManagerOfManyBubbles(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.StoreTimeout = time.Second })
	visitor := w.client()
	visitor.post(set("a=1"))
	waits := func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		ctx.Done()
		return next(ctx, id)
	}
	hangs := func(ctx context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for range 2 {
		for _, fetch := range []fetchHook{waits, hangs} {
			synctest.Test(t, func(t *testing.T) {
				w.onFetch(fetch)
				visitor.tab().post(read(keyA))
			})
		}
	}
	w.onFetch(hangs)
	visitor.post(read(keyA))
}

// The cause of the request's end is not the cause of a call's end.
func TestTheCauseOfACallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		visitor := w.client()
		visitor.post(set("a=1"))
		ctx, leave := context.WithCancelCause(t.Context())
		leave(errors.New("the visitor has left"))
		w.onFetch(func(call context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
			<-call.Done()
			if cause := context.Cause(call); cause != context.DeadlineExceeded {
				t.Errorf("ended by: %v", cause)
			}
			return nil, call.Err()
		})
		visitor.serve(w.m.HandlerFunc(func(http.ResponseWriter, *http.Request, *session.Session) {}),
			httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	})
}

// A program's tests may share a Manager and run in parallel, each in a bubble of its own.
func TestManagerOfParallelBubbles(t *testing.T) {
	m := newManager(t, slow{memory.New()}, session.Config{SigningKeys: [][]byte{bytes.Repeat([]byte("k"), 32)}})
	cookie := cookieOf(t, m)
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 200 {
				synctest.Test(t, func(t *testing.T) {
					serveOne(m, cookie, func(*session.Session) {})
					time.Sleep(time.Minute)
				})
			}
		})
	}
}

func TestRuleStoreTimeout(t *testing.T) {
	timeout := func(cfg *session.Config) { cfg.StoreTimeout = 4 * time.Second }
	hangs := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
		<-ctx.Done()
		return ctx.Err()
	}

	t.Run("bounds a load", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t, timeout)
			w.onFetch(slices.Repeat([]fetchHook{func(ctx context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}, 10)...)
			start := time.Now()
			a := c.post(func(*session.Session) { t.Error("the handler ran") })
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("took %v", d)
			}
		})
	})

	t.Run("a single save gets at most half, so that a read-back has time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t, timeout)
			start := time.Now()
			var took time.Duration
			w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				_ = next(ctx, rec, expect)
				<-ctx.Done()
				took = time.Since(start)
				return ctx.Err()
			})
			c.post(set("a=2")).wantPage(t)
			if took > 2*time.Second {
				t.Errorf("a save had %v of 4s", took)
			}
			c.wantState("a=2")
		})
	})

	t.Run("bounds a commit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t, timeout)
			w.onSave(slices.Repeat([]saveHook{hangs}, 100)...)
			start := time.Now()
			c.post(set("a=2")).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("took %v", d)
			}
		})
	})
}
