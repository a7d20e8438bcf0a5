package session_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// More of "Commit of a change": what a save costs, and what it ends with when
// more than one thing goes wrong.
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
		if n := w.trips(func() { c.post(func(s *session.Session) { s.Clear(); keyA.Set(s, 1) }).wantPage(t) }); n != 1 {
			t.Errorf("%d trips", n)
		}
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
}

func TestRuleUnknownOutcomeTwice(t *testing.T) {
	t.Run("a read-back that fails is repeated", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			w.onSave(landed)
			w.onFetch(failing)
			keyA.Update(s, increment)
		}).wantPage(t)
		c.wantState("a=2")
	})

	t.Run("what the provider refuses after it does not settle it", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(append([]saveHook{dropped}, slices.Repeat([]saveHook{refused(provider.ErrTooLarge)}, 20)...)...)
		a := c.post(add(keyA, 1))
		w.calm()
		a.wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
	})

	t.Run("an error that is neither conflict nor unknown is not sticky", func(t *testing.T) {
		_, c, _ := begun(t, func(cfg *session.Config) { cfg.MaxSize = 1000 })
		long := session.NewKey[string]("long")
		c.post(func(s *session.Session) {
			long.Set(s, strings.Repeat("x", 2000))
			wantErr(t, s.Save(context.Background()), session.ErrTooLarge)
			long.Delete(s)
			keyB.Set(s, 2)
			wantErr(t, s.Save(context.Background()), nil)
		}).wantPage(t)
		c.wantState("a=1 b=2")
	})

	bubble("a touch that finds the session gone ends quietly", t, func(t *testing.T) {
		for _, gone := range []func(w *world, c *client, id string){
			func(w *world, _ *client, id string) { w.erase(id) },
			func(_ *world, c *client, _ string) { c.post((*session.Session).Destroy).wantPage(t) },
		} {
			w, c, id := begun(t)
			time.Sleep(30 * time.Minute)
			tab := c.tab()
			w.onSave(then(func() { gone(w, tab, id) }, pass))
			c.post(read(keyA)).wantPage(t)
			if w.log.has(slog.LevelWarn) {
				t.Errorf("logged: %v", w.log.String())
			}
		}
	})
}

func TestRuleQueuePlace(t *testing.T) {
	// waits returns how long a request waits for its place that meets a conflict.
	waits := func(w *world, c *client) time.Duration {
		rival, start := c.tab(), time.Now()
		w.onSave(then(func() { rival.post(add(keyB, 1)) }, pass))
		c.post(add(keyA, 1)).wantPage(w.t)
		return time.Since(start)
	}

	bubble("is given up when the commit has ended", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(then(func() { rival.post(add(keyB, 1)) }, pass))
		c.handle(http.MethodPost, func(_ http.ResponseWriter, r *http.Request) { add(keyA, 1)(load(t, r)) }).wantPage(t)
		if got := waits(w, c); got > time.Second {
			t.Errorf("the next waits %v", got)
		}
	})

	bubble("is given up by a replay that is refused", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		inner := c.m.Replay(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			keyA.Set(s, 5)
			rival.post(set("a=3"))
		}))
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			keyA.Get(load(t, r))
			inner.ServeHTTP(w, r)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		if got := waits(w, c); got > time.Second {
			t.Errorf("the next waits %v", got)
		}
	})

	// Two requests conflict; the second comes to the queue when the first is in
	// it already, which then holds its place by a store that does not answer.
	bubble("who has waited has its StoreTimeout yet, and reads anew", t, func(t *testing.T) {
		w, c, _ := begun(t, func(cfg *session.Config) { cfg.StoreTimeout = 3 * time.Second })
		first, rival := c.tab(), c.tab()
		hang := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		done := make(chan *answer, 1)
		w.onSave(then(func() {
			time.Sleep(time.Second)
			w.onSave(then(func() { rival.post(add(keyB, 1)).wantPage(t) }, pass), pass, hang, hang, hang, pass)
			go func() { done <- first.post(add(keyA, 1)) }()
			synctest.Wait()
		}, pass))
		before := w.store.Saves.Load()
		c.post(add(keyA, 1)).wantPage(t)
		(<-done).wantPage(t)
		c.wantState("a=3 b=1")
		// rival's, two and three retries of the first's, two of the second's
		if n := w.store.Saves.Load() - before; n != 8 {
			t.Errorf("%d saves", n)
		}
	})
}

func TestRuleUpdateSeesOthers(t *testing.T) {
	t.Run("another goroutine's set while the closure runs is not lost", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			runs := 0
			got := keyA.Update(s, func(n int) int {
				if runs++; runs == 1 {
					done := make(chan struct{})
					go func() { defer close(done); keyA.Set(s, 10) }()
					<-done
				}
				return n + 1
			})
			if got != 11 || runs != 2 {
				t.Errorf("Update gives %d after %d runs; want 11 after 2", got, runs)
			}
		}).wantPage(t)
		c.wantState("a=11")
	})
}

// What is stored opens no session: neither an ID nor the data hold the token.
func TestRuleTokenIsNotStored(t *testing.T) {
	w, c, _ := begun(t)
	c.post(login).wantPage(t)
	signed, err := base64.URLEncoding.DecodeString(c.jar["session"])
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(signed), "|")
	if len(parts) < 3 {
		t.Fatalf("the cookie has %d parts", len(parts))
	}
	token, err := base64.URLEncoding.DecodeString(parts[1])
	if err != nil || len(token) != 32 {
		t.Fatalf("the cookie holds %d bytes, %v", len(token), err)
	}
	for _, s := range w.savesSince(0) {
		for _, spelling := range []string{
			string(token),
			base64.RawURLEncoding.EncodeToString(token),
			base64.RawStdEncoding.EncodeToString(token),
		} {
			if strings.Contains(s.ID, spelling) || strings.Contains(string(s.Data), spelling) {
				t.Errorf("the record %q tells the token", s.ID)
			}
		}
	}
}

// An instance that a rolling deploy has given a shorter IdleTimeout, or whose
// clock is behind, takes nothing from a session's time.
func TestRuleExpiryNeverDecreases(t *testing.T) {
	w, c, id := begun(t)
	before := w.stored(id).ExpiresAt
	c.m = w.manager(func(cfg *session.Config) { cfg.IdleTimeout = 10 * time.Minute })
	c.post(set("b=1")).wantPage(t)
	if after := w.stored(id).ExpiresAt; after.Before(before) {
		t.Errorf("from %v to %v", before, after)
	}
}
