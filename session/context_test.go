package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// What a store may do with the context of a call: look at its deadline, look at
// it now and then, or wait for it. Each returns when it has ended.
var waysToWait = map[string]func(context.Context){
	"Deadline": func(ctx context.Context) {
		if deadline, ok := ctx.Deadline(); ok {
			time.Sleep(time.Until(deadline))
		}
	},
	"Err": func(ctx context.Context) {
		for ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
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

// A call that may be cancelled costs some stores a goroutine, and some a
// connection when it is. So a visitor who leaves ends none.
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
