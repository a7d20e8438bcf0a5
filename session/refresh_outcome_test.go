package session_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// The save of the result has an unknown outcome, or fails. What the function has done
// cannot be undone, so the save is tried again while the lease lasts.
func TestRuleRefreshWhoseSaveFails(t *testing.T) {
	for name, hooks := range map[string]func(*world) []saveHook{
		"landed":                  func(*world) []saveHook { return []saveHook{landed} },
		"dropped":                 func(*world) []saveHook { return []saveHook{dropped} },
		"late":                    func(w *world) []saveHook { return []saveHook{w.late} },
		"not saved":               func(*world) []saveHook { return []saveHook{refused(provider.ErrNotSaved)} },
		"the store was away long": func(*world) []saveHook { return repeated(dropped, 30) },
		"landed, then away":       func(*world) []saveHook { return append([]saveHook{landed}, repeated(dropped, 30)...) },
	} {
		bubble(name, t, func(t *testing.T) {
			w, c, _ := begun(t)
			c.post(refreshing(t, 1, 2, nil, during(func() { w.onSave(hooks(w)...) }))).wantPage(t)
			w.calm()
			c.wantState("a=2")
			began := time.Now()
			var runs atomic.Int64
			c.post(refreshing(t, 2, 3, nil, to(3, &runs))).wantPage(t)
			if took := time.Since(began); took > time.Second {
				t.Errorf("the lease was left: %v", took)
			}
		})
	}
	bubble("landed, and the store stays away", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(refreshing(t, 1, 2, session.ErrOutcomeUnknown, during(func() {
			w.onSave(landed)
			w.onFetch(slices.Repeat([]fetchHook{failing}, 10_000)...)
		}))).wantPage(t)
		w.calm()
		c.wantState("a=2")
	})
	bubble("the store stays away", t, func(t *testing.T) {
		w, c, _ := begun(t)
		began := time.Now()
		c.post(refreshing(t, 1, 2, session.ErrOutcomeUnknown, during(func() { w.onSave(repeated(dropped, 10_000)...) }))).wantPage(t)
		if took := time.Since(began); took < 30*time.Second || took > time.Minute {
			t.Errorf("gave up after %v", took)
		}
		w.calm()
		c.wantState("a=1")
	})
}

// The save of the lease has an unknown outcome: the function does not run, and the lease
// is given up.
func TestRuleRefreshWhoseLeaseIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := begun(t)
		var runs atomic.Int64
		c.post(func(s *session.Session) {
			w.onSave(landed)
			w.onFetch(failing, failing, failing, failing)
			refreshing(t, 1, 1, session.ErrOutcomeUnknown, to(2, &runs))(s)
		}).wantPage(t)
		w.calm()
		if runs.Load() != 0 {
			t.Error("the function ran")
		}
		began := time.Now()
		c.post(refreshing(t, 1, 2, nil, to(2, &runs))).wantPage(t)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the lease was left: %v", took)
		}
	})
}

// Another request has taken the lease over, or has changed the session, between an attempt
// of unknown outcome and the next.
func TestRuleRefreshInDoubtAndOthers(t *testing.T) {
	bubble("the attempt has landed and others have changed other keys", t, func(t *testing.T) {
		w, c, _ := begun(t)
		other := c.tab()
		c.post(refreshing(t, 1, 2, nil, during(func() {
			w.onSave(then(func() {}, landed))
			w.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
				other.post(inOrder(add(keyB, 1), add(keyA, 5))).wantPage(t)
				return next(ctx, id)
			})
		}))).wantPage(t)
		c.wantState("a=7 b=1")
	})
}

// An attempt to save the result has no answer, cannot be read back, and has landed, or
// lands when the next attempt is under way. The next one finds it in the history, also
// below the saves of others.
func TestRuleRefreshFindsItsEarlierAttempt(t *testing.T) {
	for name, arrives := range map[string]int{"at once": 0, "before the next attempt is saved": 1} {
		for _, others := range []bool{false, true} {
			bubble(fmt.Sprint(name, ", others have saved: ", others), t, func(t *testing.T) {
				w, c, _ := begun(t)
				other := c.tab()
				var late func()
				arrive := func() {
					late()
					if others {
						other.post(inOrder(add(keyB, 1), add(keyA, 5))).wantPage(t)
					}
				}
				c.post(refreshing(t, 1, 2, nil, during(func() {
					w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
						late = func() { wantErr(t, next(context.WithoutCancel(ctx), rec, expect), nil) }
						if arrives == 0 {
							arrive()
						}
						return errBroken
					})
					if arrives == 1 {
						w.onSave(before(arrive))
					}
					unseen := []fetchHook{failing, failing, failing, failing}
					if others && arrives == 0 {
						unseen = append([]fetchHook{asIs}, unseen...) // that of the other request
					}
					w.onFetch(unseen...)
				}))).wantPage(t)
				c.wantState(map[bool]string{false: "a=2", true: "a=7 b=1"}[others])
			})
		}
	}
}

// An attempt to save the result has no answer and has landed, and then another request has
// renewed or destroyed the session: the result was saved.
func TestRuleRefreshFindsItsEarlierAttemptBelowATombstone(t *testing.T) {
	for name, end := range map[string]func(*session.Session){"renewed": renew, "destroyed": destroy} {
		bubble(name, t, func(t *testing.T) {
			w, c, _ := begun(t)
			other := c.tab()
			c.post(refreshing(t, 1, 2, nil, during(func() {
				w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
					wantErr(t, next(context.WithoutCancel(ctx), rec, expect), nil)
					other.post(end).wantPage(t)
					return errBroken
				})
				w.onFetch(asIs, failing, failing, failing, failing) // the first is that of the other request
			}))).wantPage(t)
			if name == "renewed" {
				other.wantState("a=2")
			}
		})
	}
}

// asIs is a fetch without a fault.
func asIs(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
	return next(ctx, id)
}

// repeated returns n times hook.
func repeated(hook saveHook, n int) []saveHook {
	all := make([]saveHook, n)
	for i := range all {
		all[i] = hook
	}
	return all
}

// The clock of the holder decides when a lease ends. If it was ahead, nobody waits for
// longer than the lease was to last; if it was behind, nobody waits.
func TestRuleRefreshAndAClockThatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct{ ahead, least, most time.Duration }{
		"right":    {0, 34 * time.Second, 36 * time.Second},
		"ahead":    {time.Hour, 34 * time.Second, 36 * time.Second},
		"behind":   {-10 * time.Second, 24 * time.Second, 26 * time.Second},
		"long ago": {-time.Hour, 0, 0},
	} {
		bubble(name, t, func(t *testing.T) {
			w, c := crash(t)
			w.shiftLease(c.sessionID(), tc.ahead)
			began := time.Now()
			var runs atomic.Int64
			c.post(refreshing(t, 1, 2, nil, to(2, &runs))).wantPage(t)
			if took := time.Since(began); took < tc.least || took > tc.most {
				t.Errorf("waited for %v", took)
			}
		})
	}
}

// shiftLease changes the end of the lease of key a in the record of that ID.
func (w *world) shiftLease(id string, by time.Duration) {
	rec := w.stored(id)
	e, err := envelope.Decode(id, rec.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	lease, ok := e.Fields.Leases().Find("a")
	if !ok {
		w.t.Fatal("no lease")
	}
	lease.Until = lease.Until.Add(by)
	e.Fields = e.Fields.WithLeases(e.Fields.Leases().With(lease))
	next := *rec
	next.Version = envelope.NextVersion(rec.Version)
	next.Data = envelope.Bind(e.Encode(rec.Version, e.History, &e.Entries, nil), id)
	if err := w.store.Provider.Save(w.t.Context(), &next, rec.Version); err != nil {
		w.t.Fatal(err)
	}
}
