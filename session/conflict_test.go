package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A conflict is resolved by reading back and applying the changes again.
func TestRuleConflict(t *testing.T) {
	t.Run("without one, one save", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(add(keyA, 1)).wantPage(t)
		if n := len(w.savesSince(1)); n != 1 {
			t.Errorf("%d saves", n)
		}
	})

	t.Run("a bare ErrVersionConflict is one too", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			rival.post(add(keyA, 1))
			return provider.ErrVersionConflict
		})
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=3")
	})

	t.Run("with its own version, it has landed", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if err := next(ctx, rec, expect); err != nil {
				return err
			}
			return provider.ErrVersionConflict // a retry that meets its own first attempt
		})
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=2")
	})

	t.Run("with its version in the history, it has landed", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if err := next(ctx, rec, expect); err != nil {
				return err
			}
			rival.post(add(keyA, 1))
			return provider.ErrVersionConflict
		})
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=3")
	})

	t.Run("it did not land, however far the others are ahead", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		c.post(func(s *session.Session) {
			keyA.Update(s, increment)
			for range 100 {
				rival.post(add(keyA, 1))
			}
		}).wantPage(t)
		c.wantState("a=102")
	})

	t.Run("absent: a change is ErrEnded, never re-created", func(t *testing.T) {
		w, c, id := begun(t)
		a := c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			w.erase(id)
		})
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		a.wantCookies(t, 0)
		if w.stored(id) != nil {
			t.Error("the record was re-created")
		}
	})

	t.Run("a tombstone: a change is ErrEnded", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			c.tab().post((*session.Session).Destroy).wantPage(t)
		})
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		a.wantCookies(t, 0)
		c.wantState("empty")
	})

	t.Run("a read of a session that is gone meanwhile is fine", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			c.tab().post((*session.Session).Destroy).wantPage(t)
			keyA.Get(s)
		}).wantPage(t)
	})

	// Even a pause of microseconds takes a millisecond on a processor with nothing else
	// to do.
	t.Run("no time is lost until there have been many", func(t *testing.T) {
		for _, tc := range []struct {
			conflicts int
			pauses    bool
		}{{1, false}, {8, false}, {20, true}} {
			synctest.Test(t, func(t *testing.T) {
				w, c, _ := begun(t)
				rival := c.elsewhere()
				w.onSave(slices.Repeat([]saveHook{before(func() { rival.post(add(keyB, 1)) }), pass}, tc.conflicts)...)
				start := time.Now() // time of the bubble, which passes only in pauses
				c.post(add(keyA, 1)).wantPage(t)
				if took := time.Since(start); took > 0 != tc.pauses {
					t.Errorf("%d conflicts took %v", tc.conflicts, took)
				}
				c.wantState(fmt.Sprintf("a=2 b=%d", tc.conflicts))
			})
		}
	})

	t.Run("rebasing is bounded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			rival := c.tab()
			w.onSave(slices.Repeat([]saveHook{before(func() { rival.post(add(keyB, 1)) }), pass}, 5000)...)
			a := c.post(add(keyA, 1))
			w.calm()
			if a.err == nil || session.StatusCode(a.err) == http.StatusInternalServerError {
				t.Errorf("a save that never gets through ended in %v", a.err)
			}
			c.tab().post(func(s *session.Session) {
				if n, _ := keyA.Get(s); n != 1 {
					t.Errorf("an update that failed left %d", n)
				}
			})
		})
	})
}

// The trips and attempts that a conflict costs, and changes that cost none.
func TestRuleConflictCosts(t *testing.T) {
	t.Run("a winner that the conflict brings along is not fetched", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		before, saved := w.store.Fetches.Load(), w.store.Saves.Load()
		w.onSave(then(func() { rival.post(add(keyA, 1)) }, pass))
		c.post(add(keyA, 1)).wantPage(t)
		if f, s := w.store.Fetches.Load()-before, w.store.Saves.Load()-saved; f != 2 || s != 3 {
			t.Errorf("%d fetches and %d saves by two requests; want 2 and 3", f, s)
		}
	})

	t.Run("a Clear and the same sets again are no change", func(t *testing.T) {
		w, c, _ := begun(t)
		w.wantTrips(t, 1, func() { c.post(func(s *session.Session) { s.Clear(); keyA.Set(s, 1) }).wantPage(t) })
		c.wantState("a=1")
	})

	bubble("who competed in vain has saved nothing, for sure", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(slices.Repeat([]saveHook{then(func() { rival.post(add(keyB, 1)) }, pass), pass}, 5000)...)
		a := c.post(add(keyA, 1))
		w.calm()
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		if errors.Is(a.err, session.ErrOutcomeUnknown) {
			t.Errorf("got %v", a.err)
		}
	})

	bubble("a request that competes in vain gives up, also where no call has a deadline", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.StoreTimeout = time.Second })
		save, fetch := w.store.OnSave, w.store.OnFetch
		w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			return save(context.WithoutCancel(ctx), rec, expect, next)
		}
		w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			return fetch(context.WithoutCancel(ctx), id, next)
		}
		rival := c.tab()
		tries := 0
		c.post(func(s *session.Session) {
			keyA.Update(s, func(n int) int {
				if tries++; tries < 1000 {
					rival.post(add(keyB, 1)).wantPage(t)
				}
				return n + 1
			})
		}).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
	})
}

// A Save that has nothing to store has succeeded. A later commit of the request must not
// apply its changes again over what others have saved since.
func TestChangeThatCameToNothingIsNotMadeLater(t *testing.T) {
	for name, change := range map[string]func(*session.Session){
		"a Set to the same value": set("a=1"),
		"a Delete of nothing":     keyB.Delete,
	} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t)
			c.post(func(s *session.Session) {
				change(s)
				wantErr(t, s.Save(t.Context()), nil)
				c.tab().post(set("a=2 b=2"))
				keyC.Set(s, 3)
			}).wantPage(t)
			c.wantState("a=2 b=2 c=3")
		})
	}
}
