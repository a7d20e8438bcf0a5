package session_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A watched session that ends on any instance ends its context, at once.
func TestRuleWatch(t *testing.T) {
	limits := func(cfg *session.Config) { checkedDaily(cfg); cfg.OwnerLimit = 1 }
	lone := func(cfg *session.Config) { checkedDaily(cfg) }
	for name, end := range endings {
		for where, here := range map[string]bool{"on this instance": true, "on another": false} {
			bubble(name+" "+where, t, func(t *testing.T) {
				opt := lone
				if name == "OwnerLimit" {
					opt = limits
				}
				w, c := member(t, opt)
				m := w.m
				if !here {
					m = w.manager(opt)
				}
				ctx := watching(t, c)
				bystander := w.client()
				bystander.post(set("a=1"))
				other := watching(t, bystander)
				begin := time.Now()
				end(t, m, c)
				wantWatchEnded(t, ctx)
				wantWatched(t, other)
				if took := time.Since(begin); took != 0 {
					t.Errorf("it took %v", took)
				}
			})
		}
	}

	for name, change := range map[string]func(*session.Session){
		"a change":  set("a=2"),
		"a read":    read(keyA),
		"a Persist": func(s *session.Session) { s.Persist(time.Hour) },
		"an owner":  own("bob"),
		"a Clear":   clearAll,
	} {
		bubble(name+" ends nothing, and broadcasts nothing", t, func(t *testing.T) {
			w, c := member(t, checkedDaily)
			ctx := watching(t, c)
			synctest.Wait()
			n := w.store.Broadcasts.Load()
			c.at(w.manager(checkedDaily)).post(change).wantPage(t)
			wantWatched(t, ctx)
			if sent := w.store.Broadcasts.Load() - n; sent != 0 {
				t.Errorf("%d messages", sent)
			}
		})
	}

	bubble("a claim of the tombstone broadcasts nothing", t, func(t *testing.T) {
		w, c, _ := revoked(t)
		synctest.Wait()
		n := w.store.Broadcasts.Load()
		c.post(set("a=2")).wantPage(t)
		synctest.Wait()
		if sent := w.store.Broadcasts.Load() - n; sent != 0 {
			t.Errorf("%d messages", sent)
		}
	})

	bubble("a session that has ended since it was loaded has ended", t, func(t *testing.T) {
		w, c, id := begun(t, checkedDaily)
		s := loaded(c)
		wantErr(t, w.manager().Revoke(t.Context(), id), nil)
		ctx, stop := s.Watch(t.Context())
		defer stop()
		wantWatchEnded(t, ctx)
	})

	bubble("a session of Sessions can be watched, and one in Update", t, func(t *testing.T) {
		w, c := member(t, checkedDaily)
		listed, stop := w.sessions("ann")[0].Watch(t.Context())
		defer stop()
		var updated context.Context
		wantErr(t, w.m.Update(t.Context(), c.sessionID(), func(s *session.Session) error {
			updated, stop = s.Watch(t.Context())
			return nil
		}), nil)
		defer stop()
		wantWatched(t, listed)
		wantWatched(t, updated)
		wantErr(t, w.manager().RevokeAll(t.Context(), "ann"), nil)
		wantWatchEnded(t, listed)
		wantWatchEnded(t, updated)
	})
}

// The time limits of a session end its context, by what the record says.
func TestRuleWatchTimes(t *testing.T) {
	for name, quiet := range map[string]bool{"with a broadcast": false, "without": true} {
		bubble("the idle timeout, "+name, t, func(t *testing.T) {
			w, c, _ := begun(t, checkedDaily)
			if quiet {
				silent(w)
			}
			ctx := watching(t, c)
			for range 5 { // other requests use it
				time.Sleep(50 * time.Minute)
				c.post(read(keyA)).wantPage(t)
			}
			wantWatched(t, ctx)
			time.Sleep(time.Hour - time.Millisecond)
			wantWatched(t, ctx)
			time.Sleep(time.Millisecond)
			wantWatchEnded(t, ctx)
		})
	}

	bubble("Touch keeps it alive", t, func(t *testing.T) {
		_, c, _ := begun(t, checkedDaily)
		s := loaded(c)
		ctx, stop := s.Watch(t.Context())
		defer stop()
		for range 20 {
			time.Sleep(50 * time.Minute)
			wantErr(t, s.Touch(t.Context()), nil)
		}
		wantWatched(t, ctx)
		time.Sleep(time.Hour)
		wantWatchEnded(t, ctx)
	})

	bubble("Watch does not keep it alive", t, func(t *testing.T) {
		_, c, id := begun(t, func(cfg *session.Config) { cfg.WatchInterval = time.Minute })
		ctx := watching(t, c)
		time.Sleep(time.Hour)
		wantWatchEnded(t, ctx)
		if c.w.lives(id) {
			t.Error("it lives")
		}
	})

	bubble("the lifetime", t, func(t *testing.T) {
		_, c, _ := begun(t, checkedDaily)
		ctx := watching(t, c)
		for range 24*60/50 - 1 {
			time.Sleep(50 * time.Minute)
			c.post(read(keyA)).wantPage(t)
		}
		wantWatched(t, ctx)
		time.Sleep(24*time.Hour - 28*50*time.Minute + 50*time.Minute)
		wantWatchEnded(t, ctx)
	})

	bubble("a lifetime that was shortened", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.IdleTimeout = 10 * time.Hour })
		short := w.manager(checkedDaily, func(cfg *session.Config) { cfg.IdleTimeout, cfg.Lifetime = time.Hour, time.Hour })
		ctx := watching(t, c.at(short))
		time.Sleep(time.Hour - time.Millisecond)
		wantWatched(t, ctx)
		time.Sleep(time.Millisecond)
		wantWatchEnded(t, ctx)
	})
}

// A store that cannot broadcast: ends on other instances are found in time, and ends in
// this Manager at once.
func TestRuleWatchWithoutBroadcast(t *testing.T) {
	for name, end := range endings {
		bubble(name, t, func(t *testing.T) {
			w, c := member(t, func(cfg *session.Config) { cfg.OwnerLimit = 1 })
			silent(w)
			ctx := watching(t, c)
			time.Sleep(10 * time.Minute)
			c.post(read(keyA))
			end(t, w.manager(func(cfg *session.Config) { cfg.OwnerLimit = 1 }), c)
			wantWatched(t, ctx)
			time.Sleep(30 * time.Second)
			wantWatchEnded(t, ctx)
		})
		bubble(name+" in this Manager", t, func(t *testing.T) {
			w, c := member(t, checkedDaily, func(cfg *session.Config) { cfg.OwnerLimit = 1 })
			silent(w)
			ctx := watching(t, c)
			end(t, w.m, c)
			wantWatchEnded(t, ctx)
		})
	}

	bubble("a provider without the methods", t, func(t *testing.T) {
		m := newManager(t, struct{ provider.Provider }{memory.New()}, session.Config{Cookie: session.Cookie{Insecure: true}})
		var ctx context.Context
		var id string
		cookie := cookieAfter(t, m, nil, func(s *session.Session) {
			set("a=1")(s)
			wantErr(t, s.Save(t.Context()), nil)
			ctx, _ = s.Watch(t.Context()) // it ends with the session
			id = s.PublicID()
		})
		wantWatched(t, ctx)
		if !knows(m, cookie) {
			t.Error("the session is not known")
		}
		wantErr(t, m.Revoke(t.Context(), id), nil)
		wantWatchEnded(t, ctx)
	})
}

// While the store fails, no context ends.
func TestRuleWatchUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t)
		var down atomic.Bool
		w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if down.Load() {
				return nil, errBroken
			}
			return next(ctx, id)
		}
		ctx := watching(t, c)
		down.Store(true)
		time.Sleep(2 * time.Hour) // it has expired meanwhile
		wantWatched(t, ctx)
		down.Store(false)
		time.Sleep(30 * time.Second)
		wantWatchEnded(t, ctx)
	})
}

func TestWatchStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, all := several(t, 2)
		want := func(st session.WatchStats) {
			t.Helper()
			synctest.Wait()
			if got := w.m.WatchStats(); got != st {
				t.Errorf("%+v; want %+v", got, st)
			}
		}
		want(session.WatchStats{})
		for _, c := range append(all, all[0]) {
			_, stop := loaded(c).Watch(t.Context())
			defer stop()
		}
		want(session.WatchStats{Contexts: 3, Sessions: 2, Listening: true})
		all[0].post(destroy)
		want(session.WatchStats{Contexts: 1, Sessions: 1, Listening: true})
		all[1].post(destroy)
		want(session.WatchStats{})
	})
}
