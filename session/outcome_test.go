package session_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// After a save of unknown outcome the commit reads back whether it was done.
func TestRuleUnknownOutcome(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		fault func(w *world, rival *client, id string) saveHook
		mine  func(*session.Session)
		err   error
		state string
	}{
		{
			"landed", func(*world, *client, string) saveHook { return landed },
			add(keyA, 1), nil, "a=2",
		},
		{
			"lost", func(*world, *client, string) saveHook { return dropped },
			add(keyA, 1), nil, "a=2",
		},
		{
			"late", func(w *world, _ *client, _ string) saveHook { return w.late },
			add(keyA, 1), nil, "a=2",
		},
		{
			"landed, and others built on it", func(_ *world, rival *client, _ string) saveHook {
				return after(landed, func() { rival.post(add(keyA, 10)) })
			},
			add(keyA, 1), nil, "a=12",
		},
		{
			"lost, and others won", func(_ *world, rival *client, _ string) saveHook {
				return after(dropped, func() { rival.post(add(keyA, 10)) })
			},
			add(keyA, 1), nil, "a=12",
		},
		{
			"late, after others won", func(w *world, rival *client, _ string) saveHook {
				return after(w.late, func() { rival.post(add(keyA, 10)) })
			},
			add(keyA, 1), nil, "a=12",
		},
		{
			"lost, and what was read has changed", func(_ *world, rival *client, _ string) saveHook {
				return after(dropped, func() { rival.post(set("a=7")) })
			},
			inOrder(read(keyA), set("a=5")), session.ErrConflict, "a=7",
		},
		{
			"landed, and what was read has changed since", func(_ *world, rival *client, _ string) saveHook {
				return after(landed, func() { rival.post(set("a=7")) })
			},
			inOrder(read(keyA), set("a=5")), nil, "a=7",
		},
		{
			"landed, and the session was destroyed: look into the tombstone's history", func(_ *world, rival *client, _ string) saveHook {
				return after(landed, func() { rival.post((*session.Session).Destroy) })
			},
			add(keyA, 1), nil, "empty",
		},
		{
			"landed, changed and destroyed: the tombstone's history is that of the session", func(_ *world, rival *client, _ string) saveHook {
				return after(landed, func() {
					rival.post(add(keyB, 1))
					rival.post(add(keyB, 1))
					rival.post((*session.Session).Destroy)
				})
			},
			add(keyA, 1), nil, "empty",
		},
		{
			"landed, changed and renewed: the tombstone's history is that of the session", func(_ *world, rival *client, _ string) saveHook {
				return after(landed, func() {
					rival.post(add(keyB, 1))
					rival.post((*session.Session).Renew)
				})
			},
			add(keyA, 1), nil, "empty",
		},
		{
			"landed, and the session was renewed: look into the tombstone's history", func(_ *world, rival *client, _ string) saveHook {
				return after(landed, func() { rival.post((*session.Session).Renew) })
			},
			add(keyA, 1), nil, "empty",
		},
		{
			"lost, and the session was destroyed", func(_ *world, rival *client, _ string) saveHook {
				return after(dropped, func() { rival.post((*session.Session).Destroy) })
			},
			add(keyA, 1), session.ErrEnded, "empty",
		},
		{
			"lost, and absent", func(w *world, _ *client, id string) saveHook {
				return after(dropped, func() { w.erase(id) })
			},
			add(keyA, 1), session.ErrOutcomeUnknown, "empty",
		},
		{
			"landed, and absent", func(w *world, _ *client, id string) saveHook {
				return after(landed, func() { w.erase(id) })
			},
			add(keyA, 1), session.ErrOutcomeUnknown, "empty",
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, c, id := begun(t)
			w.onSave(tc.fault(w, c.tab(), id))
			a := c.post(tc.mine)
			if tc.err == nil {
				a.wantPage(t)
			} else {
				a.wantError(t, session.StatusCode(tc.err), tc.err)
				a.wantCookies(t, 0)
			}
			c.wantState(tc.state)
		})
	}

	t.Run("a read-back that fails once never applies the change twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(then(func() { w.onFetch(failing) }, landed))
			if a := c.post(add(keyA, 1)); a.err != nil {
				a.wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
			}
			c.wantState("a=2")
		})
	})

	t.Run("no read-back succeeds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(then(func() { w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...) }, landed))
			a := c.post(add(keyA, 1))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
			w.calm()
			c.wantState("a=2")
		})
	})

	t.Run("no save succeeds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			c.post(add(keyA, 1)).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			w.calm()
			c.wantState("a=1")
		})
	})

	t.Run("every acknowledgement is lost", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(after(dropped, func() {
			rival.post(add(keyA, 10))
			w.onSave(landed)
		}))
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=12")
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

// A record's history decides only if it reaches back to the commit's own version.
func TestRuleHistory(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		save   saveHook
		others int
		err    error
		want   int
	}{
		{"landed, 63 ago", landed, 63, nil, 1 + 1 + 63},
		{"landed, 65 ago: never a re-apply", landed, 65, session.ErrOutcomeUnknown, 1 + 1 + 65},
		{"landed, 200 ago: never a re-apply", landed, 200, session.ErrOutcomeUnknown, 1 + 1 + 200},
		{"lost, 64 ago: applied", dropped, 64, nil, 1 + 1 + 64},
		{"lost, 66 ago: never a re-apply", dropped, 66, session.ErrOutcomeUnknown, 1 + 66},
		{"lost, 200 ago: never a re-apply", dropped, 200, session.ErrOutcomeUnknown, 1 + 200},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, c, _ := begun(t)
			rival := c.tab()
			w.onSave(after(tc.save, func() {
				for range tc.others {
					rival.post(add(keyA, 1)).wantPage(t)
				}
			}))
			a := c.post(add(keyA, 1))
			if tc.err == nil {
				a.wantPage(t)
			} else {
				a.wantError(t, http.StatusServiceUnavailable, tc.err)
			}
			c.tab().post(func(s *session.Session) {
				if n, _ := keyA.Get(s); n != tc.want {
					t.Errorf("a is %d; want %d", n, tc.want)
				}
			})
		})
	}
}

// Later commits of the request return the same error.
func TestRuleSticky(t *testing.T) {
	later := func(t *testing.T, w *world, s *session.Session, want error) {
		wantErr(t, s.Save(context.Background()), want)
		n := w.store.Saves.Load()
		keyB.Set(s, 9)
		wantErr(t, s.Save(context.Background()), want)
		err := s.Update(context.Background(), func(s *session.Session) error { keyC.Set(s, 9); return nil })
		wantErr(t, err, want)
		if w.store.Saves.Load() != n {
			t.Error("a later commit went to the store")
		}
	}

	t.Run("a conflict", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			keyA.Get(s)
			c.tab().post(set("a=7"))
			keyA.Set(s, 5)
			later(t, w, s, session.ErrConflict)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=7")
	})

	t.Run("a conflict of Session.Update", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			keyA.Get(s)
			c.tab().post(set("a=7"))
			err := s.Update(context.Background(), func(s *session.Session) error { keyA.Set(s, 5); return nil })
			wantErr(t, err, session.ErrConflict)
			later(t, w, s, session.ErrConflict)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=7")
	})

	t.Run("an unknown outcome", func(t *testing.T) {
		w, c, id := begun(t)
		w.onSave(after(dropped, func() { w.erase(id) }))
		c.post(func(s *session.Session) {
			keyA.Set(s, 5)
			later(t, w, s, session.ErrOutcomeUnknown)
		}).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
	})
}
