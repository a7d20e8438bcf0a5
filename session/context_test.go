package session_test

import (
	"context"
	"net/http"
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
