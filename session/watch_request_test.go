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

// What Watch does in a request that changes the session itself.
func TestRuleWatchInARequest(t *testing.T) {
	watch := func(t *testing.T, s *session.Session) context.Context {
		ctx, stop := s.Watch(t.Context())
		t.Cleanup(stop)
		return ctx
	}

	bubble("a session that is not stored has ended", t, func(t *testing.T) {
		newWorld(t).client().post(func(s *session.Session) {
			set("a=1")(s)
			wantWatchEnded(t, watch(t, s))
			wantErr(t, s.Save(t.Context()), nil)
			wantWatched(t, watch(t, s))
		}).wantPage(t)
	})

	bubble("before a Renew is committed, the old session is watched", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			s.Renew()
			ctx := watch(t, s)
			wantWatched(t, ctx)
			wantErr(t, s.Save(t.Context()), nil)
			wantWatchEnded(t, ctx)
			wantWatched(t, watch(t, s))
		}).wantPage(t)
	})

	bubble("before a Destroy is committed, an earlier Watch goes on", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			ctx := watch(t, s)
			s.Destroy()
			wantWatched(t, ctx)
			wantWatchEnded(t, watch(t, s))
			wantErr(t, s.Save(t.Context()), nil)
			wantWatchEnded(t, ctx)
		}).wantPage(t)
	})

	bubble("after the tombstone of another request, nothing is watched", t, func(t *testing.T) {
		_, c, _ := revoked(t)
		c.post(func(s *session.Session) { wantWatchEnded(t, watch(t, s)) }).wantPage(t)
	})

	bubble("a run that is discarded ends its Watch, without its CancelFunc", t, func(t *testing.T) {
		w, c, _ := begun(t, checkedDaily)
		var runs []context.Context
		c.send("GET", func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			ctx, _ := s.Watch(r.Context()) // nobody calls the CancelFunc
			wantWatched(t, ctx)
			if runs = append(runs, ctx); len(runs) == 2 {
				wantErr(t, runs[0].Err(), context.Canceled)
			}
			n, _ := keyA.Get(s)
			if len(runs) == 1 {
				c.tab().post(set("a=5")).wantPage(t)
			}
			keyA.Set(s, n+1)
		}).wantPage(t)
		if len(runs) != 2 {
			t.Fatalf("%d runs", len(runs))
		}
		synctest.Wait()
		if st := w.m.WatchStats(); st != (session.WatchStats{}) {
			t.Errorf("%+v", st)
		}
	})

	bubble("it takes one trip more, in the background", t, func(t *testing.T) {
		w, c, _ := begun(t, checkedDaily)
		silent(w)
		w.onFetch(nil, func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			time.Sleep(time.Second)
			return next(ctx, id)
		})
		begin := time.Now()
		w.wantTrips(t, 2, func() {
			c.post(func(s *session.Session) { watch(t, s) }).wantPage(t)
			if took := time.Since(begin); took != 0 {
				t.Errorf("it took %v", took)
			}
			time.Sleep(time.Hour - 1)
		})
	})
}
