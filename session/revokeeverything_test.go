package session_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

const within = 2 * patience

// revocable is an option of newWorld that turns RevokeEverything on.
func revocable(cfg *session.Config) { cfg.RevokeEverythingWithin = within }

// epochFormat is the format of the record of RevokeEverything.
const epochFormat = "holdfast-epoch"

// revokeNow calls RevokeEverything of m without the wait for other instances.
func (w *world) revokeNow(m *session.Manager) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantErr(w.t, m.RevokeEverything(ctx), context.Canceled)
}

// revokeEverything calls RevokeEverything of m, which must succeed.
func (w *world) revokeEverything(m *session.Manager) {
	w.t.Helper()
	wantErr(w.t, m.RevokeEverything(context.Background()), nil)
}

func TestRuleRevokeEverything(t *testing.T) {
	bubble("ends every session, on each instance when it returns", t, func(t *testing.T) {
		w, all := several(t, 5, revocable)
		second := w.manager(revocable)
		all[0].post(signIn("ann")).wantPage(t)
		all[1].at(second).wantState("a=1")
		w.revokeEverything(w.m)
		for _, c := range all {
			c.wantState("empty")
			c.at(second).wantState("empty")
		}
		w.wantSessions("ann")
	})

	bubble("ends them at once on its own instance", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { wantErr(t, w.m.RevokeEverything(ctx), context.Canceled) }()
		synctest.Wait()
		c.wantState("empty")
	})

	bubble("takes as many trips for many sessions as for one", t, func(t *testing.T) {
		for _, n := range []int{1, 50} {
			w, _ := several(t, n, revocable)
			w.wantTrips(t, 2, func() { w.revokeEverything(w.m) })
		}
	})

	bubble("lets visitors sign in again, with the old cookie or without one", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.revokeEverything(w.m)
		for _, c := range []*client{c, w.client()} {
			c.post(signIn("ann")).wantPage(t)
			time.Sleep(within)
			c.wantState("a=1")
			c.at(w.manager(revocable)).wantState("a=1")
			c.post(renew).wantPage(t)
			c.post(set("b=2")).wantPage(t)
			c.wantState("a=1 b=2")
		}
		w.revokeEverything(w.m)
		c.wantState("empty")
	})

	bubble("ends those of its namespace alone", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.revokeEverything(w.manager(revocable, func(cfg *session.Config) { cfg.Namespace = "other" }))
		c.wantState("a=1")
	})

	bubble("is an error where it is off, and ends nothing", t, func(t *testing.T) {
		w, c, _ := begun(t)
		if err := w.m.RevokeEverything(t.Context()); err == nil || !strings.Contains(err.Error(), "Config.RevokeEverythingWithin") {
			t.Errorf("error %v", err)
		}
		c.wantState("a=1")
	})

	bubble("fails with the store, and ends nothing", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.onSave(refused(provider.ErrFull))
		wantErr(t, w.m.RevokeEverything(t.Context()), session.ErrUnavailable)
		c.wantState("a=1")
	})

	bubble("is told to the operator", t, func(t *testing.T) {
		var events []session.Event
		w, _, _ := begun(t, revocable, func(cfg *session.Config) {
			cfg.Observer = func(_ context.Context, e session.Event) {
				if e.Op == session.OpRevokeEverything {
					events = append(events, e)
				}
			}
		})
		at := time.Now()
		w.revokeEverything(w.m)
		if len(events) != 1 || events[0].Outcome() != session.OutcomeOK {
			t.Errorf("events %+v", events)
		}
		if !strings.Contains(w.log.String(), "RevokeEverything has ended every session") {
			t.Errorf("log %s", w.log.String())
		}
		var shown bool
		for _, sv := range w.savesSince(0) {
			info, err := session.Inspect(sv.Record)
			wantErr(t, err, nil)
			if info.Kind == session.KindEpoch {
				shown = info.CreatedAt.Equal(at) && info.Commits == 1
			}
		}
		if !shown {
			t.Error("no record shows when it was called")
		}
	})

	bubble("costs a request nothing but a read twice in the time", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.wantTrips(t, 1, func() { c.post(read(keyA)).wantPage(t) })
		time.Sleep(within / 2)
		w.wantTrips(t, 2, func() { c.post(read(keyA)).wantPage(t); synctest.Wait() })
		w.wantTrips(t, 1, func() { c.post(read(keyA)).wantPage(t) })
		time.Sleep(within - 1)
		w.wantTrips(t, 2, func() { c.post(read(keyA)).wantPage(t); synctest.Wait() })
	})

	bubble("a session is not served while it cannot be read", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			rec, err := next(ctx, id)
			if errors.Is(err, provider.ErrNotFound) { // the record of RevokeEverything
				return nil, errBroken
			}
			return rec, err
		}
		time.Sleep(within - 1)
		c.post(read(keyA)).wantPage(t)
		time.Sleep(1 * time.Nanosecond)
		c.post(read(keyA)).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
	})

	bubble("holds although the store loses the record", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.revokeEverything(w.m)
		later := w.client()
		later.post(set("a=1")).wantPage(t)
		for _, sv := range w.savesSince(0) {
			if sv.Format == epochFormat {
				w.erase(sv.ID)
			}
		}
		w.m = w.manager(revocable) // has never read it
		later.at(w.m).wantState("a=1")
		c.at(w.m).wantState("empty")
	})
}

// A request that has loaded the session before RevokeEverything, on the same instance or on
// another one, saves nothing of it afterwards.
func TestRuleRevokeEverythingDuringARequest(t *testing.T) {
	for name, tc := range map[string]struct {
		fn   func(*session.Session)
		err  error
		left string // in the session of the browser
	}{
		"change":                      {set("a=2"), session.ErrEnded, "empty"},
		"change that changes nothing": {set("a=1"), session.ErrEnded, "empty"},
		"update":                      {add(keyA, 1), session.ErrEnded, "empty"},
		"owner":                       {own("ann"), session.ErrEnded, "empty"},
		"persist":                     {func(s *session.Session) { s.Persist(time.Hour) }, session.ErrEnded, "empty"},
		"renewal after a read":        {renew, session.ErrEnded, "empty"},
		"logout":                      {destroy, nil, "empty"},
		"logout, and what was read":   {inOrder(destroy, set("b=1")), session.ErrEnded, "empty"},
		"Update": {func(s *session.Session) {
			wantErr(t, s.Update(context.Background(), func(*session.Session) error { return nil }), session.ErrEnded)
		}, session.ErrEnded, "empty"},
		"Touch": {func(s *session.Session) { wantErr(t, s.Touch(context.Background()), session.ErrEnded) }, nil, "empty"},
		"Check": {func(s *session.Session) { wantErr(t, s.Check(context.Background()), session.ErrEnded) }, nil, "empty"},
	} {
		for _, where := range []string{"this instance", "another instance"} {
			bubble(name+" on "+where, t, func(t *testing.T) {
				w, c, _ := begun(t, revocable)
				by := w.m
				if where == "another instance" {
					by = w.manager(revocable)
				}
				a := c.post(func(s *session.Session) {
					keyA.Get(s)
					w.revokeEverything(by)
					tc.fn(s)
				})
				if tc.err == nil {
					a.wantPage(t)
				} else {
					a.wantError(t, http.StatusConflict, tc.err)
				}
				c.wantState(tc.left)
			})
		}
	}

	for _, where := range []string{"this instance", "another instance"} {
		bubble("a Refresh does not run its function, on "+where, t, func(t *testing.T) {
			w, c, _ := begun(t, revocable)
			by := w.m
			if where == "another instance" {
				by = w.manager(revocable)
			}
			c.post(func(s *session.Session) {
				keyA.Get(s)
				w.revokeEverything(by)
				_, err := keyA.Refresh(context.Background(), s, is(1), func(context.Context, int) (int, error) {
					t.Error("the function has run")
					return 2, nil
				})
				wantErr(t, err, session.ErrEnded)
			}).wantPage(t)
			c.wantState("empty")
		})
	}

	bubble("a Refresh does not run its function if the lease was being saved", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.onSave(before(func() { w.revokeNow(w.m) }), pass)
		c.post(func(s *session.Session) {
			_, err := keyA.Refresh(context.Background(), s, is(1), func(context.Context, int) (int, error) {
				t.Error("the function has run")
				return 2, nil
			})
			wantErr(t, err, session.ErrEnded)
		}).wantPage(t)
		c.wantState("empty")
	})

	bubble("the result of a Refresh that is under way is not saved", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		c.post(func(s *session.Session) {
			_, err := keyA.Refresh(context.Background(), s, is(1), func(context.Context, int) (int, error) {
				w.revokeEverything(w.m)
				return 2, nil
			})
			wantErr(t, err, session.ErrEnded)
		}).wantPage(t)
		c.wantState("empty")
	})

	bubble("a login that has read nothing begins with an empty session", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		c.post(func(s *session.Session) {
			s.CreatedAt()
			w.revokeEverything(w.m)
			s.Renew()
			s.SetOwner("ann")
			keyB.Set(s, 1)
		}).wantPage(t)
		c.wantState("b=1")
		w.wantSessions("ann", c)
	})

	bubble("Manager.Update finds no session", t, func(t *testing.T) {
		w, _, id := begun(t, revocable)
		w.revokeEverything(w.m)
		wantErr(t, w.m.Update(t.Context(), id, func(*session.Session) error { return nil }), session.ErrEnded)
	})

	bubble("a renewal that is between its saves comes to nothing", t, func(t *testing.T) {
		w, c, _ := begun(t, revocable)
		w.onSave(before(func() { w.revokeNow(w.m) }), pass) // before the new record
		c.post(inOrder(read(keyA), renew)).wantError(t, http.StatusConflict, session.ErrEnded)
		c.wantState("empty")
	})

	bubble("a login that is under way ends", t, func(t *testing.T) {
		w := newWorld(t, revocable)
		c := w.client()
		w.onSave(before(func() { w.revokeNow(w.m) }))
		c.post(set("a=1")).wantPage(t)
		c.wantState("empty")
	})
}

func TestRuleRevokeEverythingAndLists(t *testing.T) {
	bubble("ended sessions do not count for OwnerLimit, and leave the list", t, func(t *testing.T) {
		w := newWorld(t, revocable, limit(1, true))
		c := w.client()
		c.post(signIn("ann")).wantPage(t)
		w.client().post(signIn("ann")).wantError(t, http.StatusConflict, session.ErrTooManySessions)
		w.revokeEverything(w.m)
		c.post(signIn("ann")).wantPage(t)
		w.wantSessions("ann", c)
		for _, sv := range w.savesSince(0) {
			if info, err := session.Inspect(w.stored(sv.ID)); err == nil && info.Kind == session.KindOwnerIndex && len(info.Sessions) != 1 {
				t.Errorf("%d sessions are listed", len(info.Sessions))
			}
		}
	})

	bubble("another instance lists none when it returns", t, func(t *testing.T) {
		w, _ := member(t, revocable)
		second := w.manager(revocable)
		_, err := second.Sessions(t.Context(), "ann")
		wantErr(t, err, nil)
		w.revokeEverything(w.m)
		all, err := second.Sessions(t.Context(), "ann")
		if err != nil || len(all) != 0 {
			t.Errorf("%d sessions, %v", len(all), err)
		}
	})
}

func TestRuleRevokeEverythingAndWatch(t *testing.T) {
	for name, opts := range map[string][]func(*session.Config){
		"by a message":                  {revocable, checkedDaily},
		"by the checks of the interval": {revocable, func(cfg *session.Config) { cfg.WatchInterval = within / 2 }},
	} {
		bubble("a watched session ends "+name, t, func(t *testing.T) {
			w := newWorld(t)
			if strings.Contains(name, "checks") {
				silent(w)
			}
			w.m = w.manager(opts...)
			second := w.manager(opts...)
			c := w.client()
			c.post(set("a=1")).wantPage(t)
			here, there := watching(t, c), watching(t, c.at(second))
			w.revokeEverything(w.m)
			time.Sleep(within)
			wantWatchEnded(t, here)
			wantWatchEnded(t, there)
		})
	}

	bubble("a watched session ends at once by a message", t, func(t *testing.T) {
		w := newWorld(t, revocable, checkedDaily)
		second := w.manager(revocable, checkedDaily)
		c := w.client()
		c.post(set("a=1")).wantPage(t)
		here, there := watching(t, c), watching(t, c.at(second))
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		wantErr(t, w.m.RevokeEverything(ctx), context.DeadlineExceeded)
		wantWatchEnded(t, here)
		wantWatchEnded(t, there)
	})
}

func TestRuleRevokeEverythingAndReadCache(t *testing.T) {
	bubble("a copy is not served when it returns", t, func(t *testing.T) {
		long := func(cfg *session.Config) { cfg.ReadCache.MaxStale = time.Hour }
		w := newWorld(t, revocable, long)
		silent(w)
		w.m = w.manager(revocable, long)
		second := w.manager(revocable, long)
		c := w.client()
		c.post(set("a=1")).wantPage(t)
		for range 2 { // the first one finds out that there are no messages
			c.readAt(second, func(*session.Session) {})
			synctest.Wait()
		}
		c.wantRead(t, second, "a=1", 0)
		w.revokeEverything(w.m)
		var got string
		c.readAt(second, func(s *session.Session) { got = show(s) })
		if got != "empty" {
			t.Errorf("the session has %q", got)
		}
	})
}

func TestConfigRevokeEverythingWithin(t *testing.T) {
	for _, tc := range []struct {
		within, timeout time.Duration
		ok              bool
	}{
		{0, 0, true},
		{10 * time.Second, 0, true},
		{6 * time.Second, 0, true},
		{6*time.Second - 1, 0, false}, // less than two reads
		{time.Second, 500 * time.Millisecond, true},
		{time.Second - 1, time.Millisecond, false},
		{time.Hour, 0, true},
		{time.Hour + 1, 0, false},
		{-1, 0, false},
	} {
		_, err := session.New(newWorld(t).store, session.Config{RevokeEverythingWithin: tc.within, StoreTimeout: tc.timeout})
		if (err == nil) != tc.ok {
			t.Errorf("%v with a timeout of %v: error %v", tc.within, tc.timeout, err)
		}
	}
}

// Whatever visitors do on two instances while RevokeEverything is called at random, over a
// store that loses and delays calls: a session whose login was answered before a call has
// ended when it returns.
func TestRevokeEverythingRaces(t *testing.T) {
	base, n := rand.Uint64(), uint64(httpScale(500))
	ended := listing{
		set: byOwner.set, of: byOwner.of, sessions: byOwner.sessions,
		revoke: func(ctx context.Context, m *session.Manager, _ string) error { return m.RevokeEverything(ctx) },
	}
	defer func(before listing) { listed = before }(listed)
	listed = ended
	for seed := base; seed < base+n && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			r := newRace(t, seed, revocable)
			visitors := []*client{r.client(), r.clientOf(r.manager(revocable)), r.client()}
			var all sync.WaitGroup
			for i := range 5 {
				all.Go(func() { r.visit(visitors[i%3]) })
			}
			for range 2 {
				all.Go(func() { r.revoke(visitors) })
			}
			all.Wait()
			r.settle(revocable)
			time.Sleep(2 * patience) // for reads in the background
		})
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}
}
