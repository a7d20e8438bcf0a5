package session_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Step 3: what a conflict comes to.
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
			return provider.ErrVersionConflict // a blind retry that met its own first attempt
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

	// A pause of microseconds takes a millisecond of a processor that has nothing to do.
	t.Run("no time is lost until there have been many", func(t *testing.T) {
		for _, tc := range []struct {
			conflicts int
			pauses    bool
		}{{1, false}, {8, false}, {20, true}} {
			synctest.Test(t, func(t *testing.T) {
				w, c, _ := begun(t)
				rival := c.tab()
				w.onSave(slices.Repeat([]saveHook{before(func() { rival.post(add(keyB, 1)) }), pass}, tc.conflicts)...)
				start := time.Now() // of the bubble, where only pauses take time
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

// Step 4: what an unknown outcome comes to.
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

// History decides only while it reaches back to the commit's own counter.
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

// Step 5: later commits of the request return the same error.
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

func TestRuleQueue(t *testing.T) {
	const writers = 50
	// slow gives every save a millisecond of the bubble's time, so that all
	// writers who do not wait for each other meet in the store.
	slow := func(hook saveHook) saveHook { return then(func() { time.Sleep(time.Millisecond) }, hook) }

	bubble("parallel writers need attempts in the number of instances, not of requests", t, func(t *testing.T) {
		w, c, _ := begun(t)
		second := w.manager()
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, 10*writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(i int) {
			tab := c.tab()
			if i%2 == 1 {
				tab.m = second
			}
			tab.post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > 4*writers {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("a place is held through the re-run", t, func(t *testing.T) {
		_, c, _ := begun(t)
		meet := barrier(writers)
		var runs atomic.Int64
		parallel(writers, func(int) {
			first := true
			c.tab().get(func(s *session.Session) {
				runs.Add(1)
				n, _ := keyA.Get(s)
				if first {
					first = false
					meet()
				}
				time.Sleep(time.Millisecond)
				keyA.Set(s, n+1)
			}).wantPage(t)
		})
		c.wantState("a=51")
		if n := runs.Load(); n > 4*writers {
			t.Errorf("%d runs for %d requests", n, writers)
		}
	})

	bubble("a place is held through the read-back", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass), slow(landed), slow(dropped)}, 4*writers)...)
		before := w.store.Saves.Load()
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) { meet(); keyA.Update(s, increment) }).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := w.store.Saves.Load() - before; n > 6*writers {
			t.Errorf("%d saves for %d writers", n, writers)
		}
	})

	bubble("Session.Update queues, too", t, func(t *testing.T) {
		w, c, _ := begun(t)
		meet := barrier(writers)
		w.onSave(slices.Repeat([]saveHook{slow(pass)}, 10*writers)...)
		var runs atomic.Int64
		parallel(writers, func(int) {
			c.tab().post(func(s *session.Session) {
				meet()
				wantErr(t, s.Update(t.Context(), func(s *session.Session) error {
					runs.Add(1)
					n, _ := keyA.Get(s)
					keyA.Set(s, n+1)
					return nil
				}), nil)
			}).wantPage(t)
		})
		w.calm()
		c.wantState("a=51")
		if n := runs.Load(); n > 4*writers {
			t.Errorf("%d runs for %d requests", n, writers)
		}
	})

	t.Run("a save in flight holds up no request", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		p := newPause()
		w.onSave(before(p.here))
		done := make(chan *answer)
		go func() { done <- c.post(add(keyA, 1)) }()
		p.reached()
		tab.post(add(keyA, 10)).wantPage(t)
		p.resume()
		(<-done).wantPage(t)
		c.wantState("a=12")
	})

	t.Run("sessions do not queue behind each other", func(t *testing.T) {
		w, c, _ := begun(t)
		other := w.client()
		other.post(set("a=1"))
		rival := c.tab()
		w.onSave(before(func() { rival.post(add(keyA, 1)) }), pass, // conflict: c is now in the queue
			before(func() { // and holds its place, while another session conflicts, too
				tab := other.tab()
				w.onSave(before(func() { tab.post(add(keyA, 1)) }))
				other.post(add(keyA, 1)).wantPage(t)
			}))
		c.post(add(keyA, 1)).wantPage(t)
		c.wantState("a=3")
		other.wantState("a=3")
	})
}

// A create of unknown outcome.
func TestRuleCreate(t *testing.T) {
	t.Run("that landed keeps its ID", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		w.onSave(landed)
		a := c.post(set("a=1"))
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=1")
		if n := len(w.savesSince(0)); n != 1 {
			t.Errorf("%d saves", n)
		}
	})

	for name, fault := range map[string]func(*world) saveHook{
		"lost": func(*world) saveHook { return dropped },
		"late": func(w *world) saveHook { return w.late },
	} {
		t.Run("that reads back absent is retried under a new token and ID: "+name, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			w.onSave(fault(w))
			a := c.post(set("a=1"))
			a.wantPage(t)
			a.wantCookies(t, 1)
			c.wantState("a=1")
			saves := w.savesSince(0)
			if len(saves) != 2 || saves[0].ID == saves[1].ID || saves[0].expect != 0 || saves[1].expect != 0 {
				t.Fatalf("want two creates of different IDs, got %d saves", len(saves))
			}
			if id := c.sessionID(); id != saves[1].ID {
				t.Error("the cookie does not open the second")
			}
			c.post((*session.Session).Destroy).wantPage(t)
			c.wantState("empty")
		})
	}

	t.Run("that cannot be read back sets no cookie", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			w.onSave(then(func() { w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...) }, dropped))
			a := c.post(set("a=1"))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
			a.wantCookies(t, 0)
		})
	})

	t.Run("that never gets through sets no cookie", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(set("a=1"))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
		})
	})
}
