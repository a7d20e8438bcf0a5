package session_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

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
