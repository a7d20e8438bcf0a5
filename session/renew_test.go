package session_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRenew(t *testing.T) {
	t.Run("inserts the new record, then turns the old one into a tombstone", func(t *testing.T) {
		w, c, old := begun(t)
		before := w.stored(old)
		a := c.post(login)
		a.wantPage(t)
		a.wantCookies(t, 1)
		saves := w.savesSince(1)
		if len(saves) != 2 {
			t.Fatalf("%d saves", len(saves))
		}
		if insert := saves[0]; insert.ID == old || insert.expect != 0 {
			t.Errorf("the first save expects %d of the same ID: %v", insert.expect, insert.ID == old)
		}
		if tomb := saves[1]; tomb.ID != old || tomb.expect != before.Version {
			t.Errorf("the second save expects %d of the old ID: %v", tomb.expect, tomb.ID == old)
		}
		c.wantState("a=1 c=1")
		if c.sessionID() != saves[0].ID {
			t.Error("the cookie does not open the new record")
		}
	})

	for _, tc := range []struct {
		rule string
		opt  func(*session.Config)
		fn   func(*session.Session)
		want time.Duration
	}{
		{"the tombstone lasts as long as the new session may", func(*session.Config) {}, login, 24 * time.Hour},
		{"of a persistent session likewise", func(*session.Config) {}, inOrder(login, func(s *session.Session) { s.Persist(10 * 24 * time.Hour) }), 10 * 24 * time.Hour},
		{"but five minutes at least", func(cfg *session.Config) { cfg.Lifetime = time.Minute }, login, 5 * time.Minute},
	} {
		bubble(tc.rule, t, func(t *testing.T) {
			w, c, old := begun(t, tc.opt)
			c.post(tc.fn).wantPage(t)
			if left := time.Until(w.stored(old).ExpiresAt); left != tc.want {
				t.Errorf("it lasts %v; want %v", left, tc.want)
			}
		})
	}

	bubble("a request in flight for hours ends what the session was renewed to", t, func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(func(s *session.Session) {
			tab.post(renew).wantPage(t)
			for range 10 {
				time.Sleep(30 * time.Minute)
				tab.wantState("a=1")
			}
			s.Destroy()
		}).wantPage(t)
		tab.wantState("empty")
	})

	t.Run("CreatedAt survives, IsNew does not come back", func(t *testing.T) {
		_, c, _ := begun(t)
		var created time.Time
		c.post(func(s *session.Session) { created = s.CreatedAt(); s.Renew() })
		c.post(func(s *session.Session) {
			if !s.CreatedAt().Equal(created) || s.IsNew() {
				t.Errorf("created %v, was %v; new: %v", s.CreatedAt(), created, s.IsNew())
			}
		})
	})

	t.Run("of a new session stores it, empty as it is", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		a := c.post(renew)
		a.wantPage(t)
		a.wantCookies(t, 1)
		if n := w.store.Saves.Load(); n != 1 || c.sessionID() == "" {
			t.Errorf("%d saves", n)
		}
	})

	t.Run("twice in a request is once", func(t *testing.T) {
		w, c, _ := begun(t)
		a := c.post(func(s *session.Session) { s.Renew(); s.Renew() })
		a.wantCookies(t, 1)
		if n := len(w.savesSince(1)); n != 2 {
			t.Errorf("%d saves", n)
		}
		c.wantState("a=1")
	})

	t.Run("twice in a request with a Save between sets the last cookie only", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.post(func(s *session.Session) {
			s.Renew()
			wantErr(t, s.Save(context.Background()), nil)
			s.Renew()
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=1")
	})

	t.Run("on conflict rebases, brings the new record up to date and tries again", func(t *testing.T) {
		w, c, old := begun(t)
		rival := c.tab()
		w.onSave(pass, before(func() { rival.post(set("b=2")) }))
		a := c.post(login)
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=1 b=2 c=1")
		rival.wantState("empty")
		var ids []string
		for _, sv := range w.savesSince(1) {
			if sv.ID == old {
				ids = append(ids, "O")
			} else {
				ids = append(ids, "N")
			}
		}
		// the new record, the old (conflict), the old (the rival's own), the new, the
		// old, in the order they began
		if want := []string{"N", "O", "O", "N", "O"}; !slices.Equal(ids, want) {
			t.Errorf("saves %v; want %v", ids, want)
		}
	})

	t.Run("on giving up deletes the new record, discards the token and leaves the old", func(t *testing.T) {
		w, c, old := begun(t)
		rival := c.tab()
		w.onSave(pass, before(func() { rival.post(set("a=7")) }))
		a := c.post(inOrder(read(keyA), set("a=2"), renew))
		a.wantError(t, http.StatusConflict, session.ErrConflict)
		a.wantCookies(t, 0)
		for _, sv := range w.savesSince(1) {
			if sv.ID != old && w.stored(sv.ID) != nil {
				t.Error("the new record is still there")
			}
		}
		c.wantState("a=7")
	})

	t.Run("sets the cookie only after the tombstone is confirmed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(pass)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(login)
			w.calm()
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
			c.wantState("a=1")
		})
	})

	t.Run("a tombstone that landed unseen is found out", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(pass, landed)
		a := c.post(login)
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=1 c=1")
	})

	t.Run("a tombstone that was lost or is late is retried", func(t *testing.T) {
		for name, fault := range map[string]func(*world) saveHook{
			"lost": func(*world) saveHook { return dropped },
			"late": func(w *world) saveHook { return w.late },
		} {
			t.Run(name, func(t *testing.T) {
				w, c, _ := begun(t)
				old := c.tab()
				w.onSave(pass, fault(w))
				a := c.post(login)
				a.wantPage(t)
				a.wantCookies(t, 1)
				c.wantState("a=1 c=1")
				old.wantState("empty")
			})
		}
	})

	t.Run("an insert that was lost or is late leaves one live record", func(t *testing.T) {
		for name, fault := range map[string]func(*world) saveHook{
			"lost":   func(*world) saveHook { return dropped },
			"late":   func(w *world) saveHook { return w.late },
			"landed": func(*world) saveHook { return landed },
		} {
			t.Run(name, func(t *testing.T) {
				w, c, _ := begun(t)
				old := c.tab()
				w.onSave(fault(w))
				a := c.post(login)
				a.wantPage(t)
				a.wantCookies(t, 1)
				c.wantState("a=1 c=1")
				old.wantState("empty")
				c.post((*session.Session).Destroy).wantPage(t)
				c.wantState("empty")
			})
		}
	})

	t.Run("a tombstone of unknown outcome: no cookie, and logging in again works", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(pass, then(func() { w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...) }, landed))
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(login)
			w.calm()
			a.wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
			a.wantCookies(t, 0)
			c.post(login).wantPage(t)
			c.wantState("c=1")
		})
	})

	t.Run("takes no tombstone step when the request is already cancelled", func(t *testing.T) {
		w, c, old := begun(t)
		tab := c.tab()
		ctx, cancel := context.WithCancel(context.Background())
		c.serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			login(s)
			cancel()
		}), httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
		for _, sv := range w.savesSince(1) {
			if sv.ID == old {
				t.Error("the old record was saved")
			} else if w.stored(sv.ID) != nil {
				t.Error("the new record is still there")
			}
		}
		tab.wantState("a=1")
	})

	t.Run("loses no change that landed before", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		c.post(func(s *session.Session) {
			login(s)
			rival.post(set("b=2"))
		}).wantPage(t)
		c.wantState("a=1 b=2 c=1")
	})

	t.Run("that an explicit Save has committed sets its cookie, whatever comes after", func(t *testing.T) {
		for name, rest := range map[string]func(*client, http.ResponseWriter, *session.Session){
			"the page":   func(_ *client, w http.ResponseWriter, _ *session.Session) { io.WriteString(w, "page") },
			"status 500": func(_ *client, w http.ResponseWriter, _ *session.Session) { w.WriteHeader(500) },
			"a panic":    func(*client, http.ResponseWriter, *session.Session) { panic("failed") },
			"a value that cannot be encoded": func(_ *client, w http.ResponseWriter, s *session.Session) {
				anything.Set(s, make(chan int))
				io.WriteString(w, "page")
			},
		} {
			t.Run(name, func(t *testing.T) {
				_, c, _ := begun(t)
				recovering := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() { recover() }()
					c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
						login(s)
						wantErr(t, s.Save(context.Background()), nil)
						rest(c, w, s)
					}).ServeHTTP(w, r)
				})
				c.serve(recovering, httptest.NewRequest(http.MethodPost, "/", nil)).wantCookies(t, 1)
				c.wantState("a=1 c=1")
			})
		}
	})

	t.Run("what comes from the old cookie afterwards is ErrEnded", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := tab.post(func(s *session.Session) {
			keyB.Set(s, 2)
			c.post(login).wantPage(t)
		})
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		a.wantCookies(t, 0)
		c.wantState("a=1 c=1")
	})
}

// A Renew whose context is cancelled before its second step.
func TestRuleRenewHungUp(t *testing.T) {
	// serve runs fn in a request with this context.
	serve := func(c *client, ctx context.Context, fn func(*session.Session)) *answer {
		return c.serve(c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { fn(s) }),
			httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	}
	for _, tc := range []struct {
		rule    string
		request bool // whether the request's context is cancelled, or Save's
	}{
		{"no tombstone step when Save's context is cancelled", false},
		{"no tombstone step when the request's context is cancelled, whatever Save's", true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, c, old := begun(t)
			tab := c.tab()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			asks, rs := ctx, context.Background()
			if tc.request {
				asks, rs = rs, asks
			}
			serve(c, rs, func(s *session.Session) {
				login(s)
				cancel()
				wantErr(t, s.Save(asks), session.ErrUnavailable)
				tab.wantState("a=1")
				if tab.sessionID() != old {
					t.Error("the old cookie does not open the old session")
				}
			})
		})
	}
}

func TestRuleRenewKeepsCreatedAt(t *testing.T) {
	bubble("CreatedAt survives a Renew", t, func(t *testing.T) {
		_, c, _ := begun(t)
		var before, after time.Time
		time.Sleep(time.Minute)
		c.post(func(s *session.Session) { before = s.CreatedAt(); s.Renew() }).wantPage(t)
		c.post(func(s *session.Session) { after = s.CreatedAt() }).wantPage(t)
		if !after.Equal(before) {
			t.Errorf("from %v to %v", before, after)
		}
	})
}

// A login that reads nothing begins an empty session where a parallel one was first, at
// every isolation level.
func TestRuleRenewThatLosesAtEveryLevel(t *testing.T) {
	for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		t.Run(fmt.Sprint("level ", level), func(t *testing.T) {
			w, c, _ := begun(t, func(cfg *session.Config) { cfg.Isolation = level })
			second, login := c.tab(), inOrder(renew, set("c=1"))
			w.onSave(before(func() { second.post(login).wantPage(t) }))
			c.post(login).wantPage(t)
			c.wantState("c=1")
		})
	}
}
