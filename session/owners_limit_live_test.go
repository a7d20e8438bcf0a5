package session_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Where logins are refused, only sessions count that are alive, and so can be listed and
// revoked. A login that has failed does not keep the user out.
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
		w.onSave(pass, before(slow.here)) // the session of that login, which has an entry
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
		w.wantTrips(t, 1, func() { w.publicIDs("ann") })
	})

	bubble("a login whose save may arrive leaves its entry", t, func(t *testing.T) {
		w := newWorld(t, limit(1, true))
		sc := w.follow()
		c := w.client()
		sc.at(2, sc.overdue, nil) // fails after the read and the write of the index
		for n := 3; n < 7; n++ {
			sc.steps[n] = lost // the save cannot be read back either
		}
		c.post(signIn("ann")).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
		sc.heal()
		if n := len(w.publicIDs("ann")); n != 1 {
			t.Errorf("%d sessions are listed; want the one that has arrived", n)
		}
		w.wantRevocable()
	})
}
