package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Where logins are refused, only sessions count that live: what can be listed and
// revoked. A login that has failed keeps nobody out.
func TestRuleOwnerLimitCountsSessionsThatLive(t *testing.T) {
	logins := map[string]func(w *world) func() *answer{
		"login": func(w *world) func() *answer {
			c := w.client()
			return func() *answer { return c.post(signIn("ann")) }
		},
		"login of a visitor": func(w *world) func() *answer {
			c := w.client()
			c.post(set("b=1")).wantPage(w.t)
			return func() *answer { return c.post(signIn("ann")) }
		},
		"login without Renew": func(w *world) func() *answer {
			c := w.client()
			c.post(set("b=1")).wantPage(w.t)
			return func() *answer { return c.post(own("ann")) }
		},
	}
	for what, fault := range map[string]func(w *world) []saveHook{
		"is lost":                    func(*world) []saveHook { return []saveHook{dropped} },
		"lands, its reply is lost":   func(*world) []saveHook { return []saveHook{landed} },
		"is late":                    func(w *world) []saveHook { return []saveHook{w.late} },
		"is refused":                 func(*world) []saveHook { return []saveHook{refused(provider.ErrFull)} },
		"is lost, like all after it": func(*world) []saveHook { return slices.Repeat([]saveHook{dropped}, 1000) },
		"lands, all after it is lost": func(*world) []saveHook {
			return append([]saveHook{landed}, slices.Repeat([]saveHook{dropped}, 1000)...)
		},
	} {
		for name, of := range logins {
			for n := range 4 {
				bubble(name+": a save "+what, t, func(t *testing.T) {
					w := newWorld(t, limit(1, true))
					login := of(w)
					w.onSave(slices.Repeat([]saveHook{pass}, n)...)
					w.onSave(fault(w)...)
					begin := time.Now()
					first := login()
					if took := time.Since(begin); what == "is lost" && took > time.Second/2 {
						t.Errorf("save %d: the login took %v", n, took)
					}
					w.calm()
					if errors.Is(first.err, session.ErrTooManySessions) {
						t.Fatalf("save %d: the login is kept out by itself", n)
					}
					live := len(w.publicIDs("ann"))
					second := w.client().post(signIn("ann"))
					switch {
					case live == 0:
						second.wantPage(t)
					case live == 1:
						second.wantError(t, http.StatusConflict, session.ErrTooManySessions)
					default:
						t.Fatalf("save %d: %d sessions", n, live)
					}
					wantErr(t, w.m.RevokeAll(t.Context(), "ann"), nil)
					w.client().post(signIn("ann")).wantPage(t)
					if t.Failed() {
						t.Logf("save %d, %d sessions", n, live)
					}
				})
			}
		}
	}

	bubble("a login waits for one that is under way", t, func(t *testing.T) {
		w := newWorld(t, limit(1, true))
		one, two := w.client(), w.client()
		slow := newPause()
		w.onSave(pass, before(slow.here)) // its session, which is entered
		done := make(chan struct{})
		go func() {
			defer close(done)
			one.post(signIn("ann")).wantPage(t)
		}()
		slow.reached()
		time.AfterFunc(500*time.Millisecond, slow.resume)
		two.post(signIn("ann")).wantError(t, http.StatusConflict, session.ErrTooManySessions)
		<-done
		w.wantSessions("ann", one)
	})

	bubble("a login waits a second at most for one that is under way", t, func(t *testing.T) {
		w := newWorld(t, limit(1, true))
		w.onSave(pass)
		w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
		w.client().post(signIn("ann"))
		w.calm()
		begin := time.Now()
		w.client().post(signIn("ann")).wantPage(t)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})

	bubble("a renewal waits for no login", t, func(t *testing.T) {
		w, c := member(t, limit(2, true))
		slow := newPause()
		w.onSave(pass, before(slow.here))
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.client().post(signIn("ann")).wantPage(t)
		}()
		slow.reached()
		begin := time.Now()
		c.post(renew).wantPage(t)
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		slow.resume()
		<-done
	})

	bubble("a login waits for no one where there is room for both", t, func(t *testing.T) {
		w, _ := member(t, limit(3, true))
		stale := w.client()
		stale.post(signIn("ann")).wantPage(t)
		time.Sleep(time.Minute)
		slow := newPause()
		w.onSave(pass, before(slow.here))
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.client().post(signIn("ann")).wantPage(t)
		}()
		slow.reached()
		w.erase(stale.sessionID())
		begin := time.Now()
		w.client().post(signIn("ann")).wantPage(t)
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		slow.resume()
		<-done
	})

	t.Run("a login that is refused by the store takes its entry back", func(t *testing.T) {
		w := newWorld(t)
		w.onSave(pass, refused(provider.ErrFull))
		w.client().post(signIn("ann")).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		if n := w.trips(func() { w.publicIDs("ann") }); n != 1 {
			t.Errorf("%d trips to list nothing", n)
		}
	})

	bubble("a login whose save may arrive leaves its entry", t, func(t *testing.T) {
		w := newWorld(t, limit(1, true))
		sc := w.follow()
		c := w.client()
		sc.at(2, sc.overdue, nil) // after the read and the write of the list
		for n := 3; n < 7; n++ {
			sc.steps[n] = lost // it cannot be read back either
		}
		c.post(signIn("ann")).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
		sc.heal()
		if n := len(w.publicIDs("ann")); n != 1 {
			t.Errorf("%d sessions are listed; want the one that has arrived", n)
		}
		w.wantRevocable()
	})
}

func TestRuleOwnerLimitDefault(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		limit int
		want  int
	}{
		{"is 100", 0, 100},
		{"a negative one is no limit", -1, 103},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, limit(tc.limit, false))
			for range 103 {
				w.client().post(own("ann")).wantPage(t)
			}
			if got := len(w.publicIDs("ann")); got != tc.want {
				t.Errorf("%d sessions; want %d", got, tc.want)
			}
		})
	}

	t.Run("as many as can be listed is accepted", func(t *testing.T) {
		newWorld(t, limit(4096, false))
	})
}

// The sessions of an owner are read eight at a time.
func TestRuleLookups(t *testing.T) {
	bubble("are eight at a time", t, func(t *testing.T) {
		w := newWorld(t)
		for range 20 {
			w.client().post(own("ann")).wantPage(t)
		}
		var running, most atomic.Int64
		w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer running.Add(-1)
			time.Sleep(time.Second)
			return next(ctx, id)
		}
		begin := time.Now()
		if n := len(w.publicIDs("ann")); n != 20 {
			t.Errorf("%d sessions", n)
		}
		if took := time.Since(begin); took != 4*time.Second { // one for the list
			t.Errorf("they took %v", took)
		}
		if n := most.Load(); n != 8 {
			t.Errorf("%d at a time", n)
		}
	})

	bubble("end with the first that fails", t, func(t *testing.T) {
		w := newWorld(t)
		for range 50 {
			w.client().post(own("ann")).wantPage(t)
		}
		w.onFetch(nil)
		w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...)
		n := w.trips(func() {
			_, err := w.m.Sessions(t.Context(), "ann")
			wantErr(t, err, session.ErrUnavailable)
		})
		if n > 1+8*4 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("panic in the goroutine that asked", func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			w.client().post(own("ann")).wantPage(t)
		}
		w.onFetch(nil, func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { panic("provider") })
		defer func() {
			if p := recover(); p != "provider" {
				t.Errorf("the panic is %v", p)
			}
		}()
		_, _ = w.m.Sessions(t.Context(), "ann")
	})
}

// The list of an owner's sessions is one record, and does not grow for ever.
func TestRuleFullOwnerIndex(t *testing.T) {
	full := func(w *world, c *client) {
		w.t.Helper()
		a := c.post(signIn("user 7"))
		a.wantError(w.t, http.StatusConflict, session.ErrTooManySessions)
		a.wantCookies(w.t, 0)
		if !strings.Contains(a.err.Error(), "the list of them is full") || !strings.Contains(a.err.Error(), "RevokeAll") {
			w.t.Errorf("the error does not say what to do: %v", a.err)
		}
		if log := w.log.String(); !w.log.has(slog.LevelError) || !strings.Contains(log, "list of an owner's sessions is full") || strings.Contains(log, "user 7") {
			w.t.Errorf("logged is %q", log)
		}
	}

	pending := func(int) time.Duration { return 0 }
	stale := func(int) time.Duration { return 2 * time.Hour }

	t.Run("of entries that may come is told", func(t *testing.T) {
		w := newWorld(t)
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 4096, pending), nil)
		full(w, w.client())
		w.client().post(signIn("bob")).wantPage(t)
	})

	t.Run("has room for one more up to it", func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 4095, pending), nil)
		w.client().post(signIn("user 7")).wantPage(t)
		full(w, w.client())
	})

	t.Run("of entries that are stale is pruned", func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 5000, stale), nil)
		c := w.client()
		c.post(signIn("user 7")).wantPage(t)
		w.wantSessions("user 7", c)
		if n := w.trips(func() { w.publicIDs("user 7") }); n != 2 {
			t.Errorf("%d trips", n)
		}
	})

	for name, ago := range map[string]func(int) time.Duration{
		"pending": pending,
		"stale, but for those that a login looks at anyway": func(i int) time.Duration {
			if i >= 16 && i < 48 {
				return 0
			}
			return 2 * time.Hour
		},
	} {
		t.Run("to a store that takes fewer, of entries that are "+name, func(t *testing.T) {
			w := newWorld(t, limit(-1, false))
			inner := w.store.OnSave
			w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				if len(rec.Data) > 10<<10 {
					return provider.ErrTooLarge
				}
				return inner(ctx, rec, expect, next)
			}
			for n := 250; session.FillOwnerIndex(w.m, "user 7", n, ago) != nil; n-- {
			}
			c := w.client()
			if name == "pending" {
				full(w, c)
				return
			}
			c.post(signIn("user 7")).wantPage(t)
			w.wantSessions("user 7", c)
		})
	}

	bubble("half stale is thinned in proportion", t, func(t *testing.T) {
		w := newWorld(t, limit(-1, false))
		wantErr(t, session.FillOwnerIndex(w.m, "user 7", 320, stale), nil)
		c := w.client()
		if n := w.trips(func() { c.post(signIn("user 7")).wantPage(t) }); n != 3+16 {
			t.Errorf("%d trips", n)
		}
		for range 30 {
			w.client().post(signIn("user 7")).wantPage(t)
		}
		// Which are looked at is chance. Half as many at a login would leave 72 stale ones.
		if n := w.trips(func() { w.publicIDs("user 7") }); n > 1+31+64 {
			t.Errorf("the list has %d entries", n-1)
		}
	})
}

// A session that is being renewed is in two records for a moment.
func TestRuleOwnerLimitOfARenewal(t *testing.T) {
	// during has do run when the client's renewal has stored the new record and not yet
	// ended the old one.
	during := func(w *world, c *client, do func()) {
		w.t.Helper()
		w.onSave(pass, pass, before(do))
		c.post(renew).wantPage(w.t)
	}

	bubble("a login ends one session, not the one that is renewed", t, func(t *testing.T) {
		w, oldest := member(t, limit(2, false))
		time.Sleep(time.Second)
		c, third := w.client(), w.client()
		c.post(signIn("ann")).wantPage(t)
		time.Sleep(time.Second)
		during(w, c, func() { third.post(signIn("ann")).wantPage(t) })
		c.wantState("a=1")
		third.wantState("a=1")
		oldest.wantState("empty")
		w.wantSessions("ann", c, third)
	})

	bubble("a login that ends the one that is renewed ends what is to replace it", t, func(t *testing.T) {
		w, oldest := member(t, limit(2, false))
		time.Sleep(time.Second)
		c, third := w.client(), w.client()
		c.post(signIn("ann")).wantPage(t)
		time.Sleep(time.Second)
		during(w, oldest, func() {
			third.post(signIn("ann")).wantPage(t)
			w.wantSessions("ann", c, third)
		})
		oldest.wantState("empty")
		w.wantSessions("ann", c, third)
	})

	bubble("a login is refused where there is no room beside it, and only there", t, func(t *testing.T) {
		w, c := member(t, limit(2, true))
		second, third := w.client(), w.client()
		during(w, c, func() { second.post(signIn("ann")).wantPage(t) })
		during(w, c, func() { third.post(signIn("ann")).wantError(t, http.StatusConflict, session.ErrTooManySessions) })
		w.wantSessions("ann", c, second)
	})

	bubble("a login does not wait for it", t, func(t *testing.T) {
		w, c := member(t, limit(2, true))
		second := w.client()
		w.onSave(pass, before(func() { // the list; not the new record
			begin := time.Now()
			second.post(signIn("ann")).wantPage(t)
			if took := time.Since(begin); took != 0 {
				t.Errorf("it took %v", took)
			}
		}))
		c.post(renew).wantPage(t)
		w.wantSessions("ann", c, second)
	})
}
