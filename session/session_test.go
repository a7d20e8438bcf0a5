package session_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleAfterTheRequest(t *testing.T) {
	w, c, _ := begun(t)
	s := loaded(c)

	t.Run("Get works", func(t *testing.T) {
		if v, ok := keyA.Get(s); v != 1 || !ok {
			t.Errorf("got %d, %v", v, ok)
		}
	})

	for name, write := range map[string]func(){
		"Set":     func() { keyA.Set(s, 2) },
		"Delete":  func() { keyA.Delete(s) },
		"Pop":     func() { keyA.Pop(s) },
		"Update":  func() { keyA.Update(s, increment) },
		"Clear":   func() { s.Clear() },
		"Renew":   func() { s.Renew() },
		"Destroy": func() { s.Destroy() },
		"Persist": func() { s.Persist(time.Hour) },
	} {
		t.Run("writes are dropped and logged at Error: "+name, func(t *testing.T) {
			logged := len(w.log.String())
			write()
			if !strings.Contains(w.log.String()[logged:], "level="+slog.LevelError.String()) {
				t.Errorf("logged %q", w.log.String()[logged:])
			}
			if v, _ := keyA.Get(s); v != 1 {
				t.Errorf("a is %d", v)
			}
			c.wantState("a=1")
		})
	}

	t.Run("Update(ctx) works", func(t *testing.T) {
		wantErr(t, loaded(c).Update(t.Context(), setting("b=2")), nil)
		c.wantState("a=1 b=2")
	})

	t.Run("but not of a Session that has dropped a change", func(t *testing.T) {
		wantErr(t, s.Update(t.Context(), setting("b=3")), session.ErrRequestDone)
		c.wantState("a=1 b=2")
	})
}

// A Session is safe for concurrent use.
func TestRuleConcurrentUse(t *testing.T) {
	_, c, _ := begun(t)
	c.post(func(s *session.Session) {
		parallel(16, func(i int) {
			own := session.NewKey[int](fmt.Sprintf("k%d", i))
			own.Set(s, i)
			own.Get(s)
			keyA.Update(s, increment)
			s.Keys()
			s.ExpiresAt()
			if i%4 == 0 {
				_ = s.Save(t.Context())
			}
		})
	}).wantPage(t)
	s := loaded(c)
	if v, _ := keyA.Get(s); v != 17 || len(s.Keys()) != 17 {
		t.Errorf("a is %d, keys %q", v, s.Keys())
	}
}

// A change during a Save of the same Session is not lost.
func TestRuleChangeDuringSave(t *testing.T) {
	for _, tc := range []struct {
		rule        string
		first, then func(*session.Session)
		want        string
	}{
		{"a set", set("a=2"), set("b=2"), "a=2 b=2"},
		{"a set of the same key", set("a=2"), set("a=3"), "a=3"},
		{"an Update", add(keyA, 1), add(keyA, 1), "a=3"},
		{"a Clear", set("b=2"), clearAll, "empty"},
		{"a set during a Renew", renew, set("b=2"), "a=1 b=2"},
		{"a Renew during a set", set("b=2"), renew, "a=1 b=2"},
		{"a set during a Destroy", destroy, set("b=2"), "b=2"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, c, _ := begun(t)
			c.post(func(s *session.Session) {
				tc.first(s)
				w.onSave(before(func() { tc.then(s) }))
				wantErr(t, s.Save(t.Context()), nil)
			}).wantPage(t)
			c.wantState(tc.want)
		})
	}

	for name, first := range map[string]func(*session.Session){"a set": set("a=2"), "a Renew": renew} {
		t.Run("a Destroy during "+name, func(t *testing.T) {
			w, c, _ := begun(t)
			a := c.post(func(s *session.Session) {
				first(s)
				w.onSave(before(s.Destroy))
				_ = s.Save(t.Context())
			})
			a.wantPage(t)
			if !a.cleared() {
				t.Errorf("Set-Cookie %q", a.cookies())
			}
			for _, sv := range w.savesSince(0) {
				if w.lives(sv.ID) {
					t.Error("a live record is left")
				}
			}
		})
	}

	t.Run("a Destroy during the create", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			keyA.Set(s, 1)
			w.onSave(before(s.Destroy))
			_ = s.Save(t.Context())
		}).wantPage(t)
		c.wantState("empty")
		if w.lives(w.savesSince(0)[0].ID) {
			t.Error("a live record is left")
		}
	})
}

func TestRuleCheck(t *testing.T) {
	ctx := t.Context()

	t.Run("is one trip", func(t *testing.T) {
		w, c, _ := begun(t)
		s := loaded(c)
		w.wantTrips(t, 1, func() { wantErr(t, s.Check(ctx), nil) })
	})

	bubble("is no use of the session", t, func(t *testing.T) {
		_, c, id := begun(t)
		s := loaded(c)
		time.Sleep(50 * time.Minute)
		wantErr(t, s.Check(t.Context()), nil)
		if got := c.expiry(id); got != 10*time.Minute {
			t.Errorf("it ends in %v", got)
		}
	})

	for name, end := range map[string]func(w *world, c *client){
		"destroyed":                  func(_ *world, c *client) { c.post(destroy) },
		"renewed":                    func(_ *world, c *client) { c.post(renew) },
		"revoked":                    func(w *world, c *client) { wantErr(w.t, w.m.Revoke(w.t.Context(), c.sessionID()), nil) },
		"expired":                    func(*world, *client) { time.Sleep(time.Hour) },
		"destroyed a good while ago": func(_ *world, c *client) { c.post(destroy); time.Sleep(time.Hour) },
	} {
		bubble("is ErrEnded when it was "+name, t, func(t *testing.T) {
			w, c := member(t)
			s := loaded(c)
			end(w, c)
			wantErr(t, s.Check(t.Context()), session.ErrEnded)
		})
	}

	bubble("is ErrEnded after a Lifetime that was shortened", t, func(t *testing.T) {
		w, c, _ := begun(t)
		for range 2 {
			time.Sleep(40 * time.Minute)
			c.post(set("b=1"))
			c.post(set("b=2"))
		}
		c.m = w.manager(func(cfg *session.Config) { cfg.Lifetime = 2 * time.Hour })
		s := loaded(c)
		wantErr(t, s.Check(t.Context()), nil)
		time.Sleep(40 * time.Minute)
		wantErr(t, s.Check(t.Context()), session.ErrEnded)
	})

	t.Run("is ErrEnded of what is not stored, and no trip", func(t *testing.T) {
		w := newWorld(t)
		s := loaded(w.client())
		wantErr(t, s.Check(ctx), session.ErrEnded)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("holds within the request that has renewed it", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			s.Renew()
			wantErr(t, s.Save(ctx), nil)
			wantErr(t, s.Check(ctx), nil)
		}).wantPage(t)
	})

	t.Run("ends with the context", func(t *testing.T) {
		_, c, _ := begun(t)
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		if err := loaded(c).Check(canceled); !errors.Is(err, context.Canceled) || !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
	})

	t.Run("fails with the store", func(t *testing.T) {
		w, c, _ := begun(t)
		s := loaded(c)
		w.onFetch(failing)
		wantErr(t, s.Check(ctx), session.ErrUnavailable)
	})

	t.Run("is ErrUnreadable of what cannot be read", func(t *testing.T) {
		w, c, id := begun(t)
		s := loaded(c)
		rec := w.stored(id)
		rec.Data = []byte("cuneiform")
		wantErr(t, w.store.Provider.Save(ctx, rec, -1), nil)
		wantErr(t, s.Check(ctx), session.ErrUnreadable)
	})
}

// After a request that has ended normally, Update still changes the session.
func TestRuleUpdateAfterTheRequest(t *testing.T) {
	ctx := t.Context()
	ended := func(t *testing.T, l session.Isolation) (*world, *client, *session.Session) {
		w, c, _ := begun(t, level(l))
		var kept *session.Session
		c.post(func(s *session.Session) { kept = s; keyB.Set(s, 1) }).wantPage(t)
		return w, c, kept
	}
	for _, l := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		t.Run(fmt.Sprintf("level %d", l), func(t *testing.T) {
			for name, fn := range map[string]func(*session.Session){
				"a=2 b=1":   add(keyA, 1),
				"a=1 b=1":   func(*session.Session) {},
				"b=1":       func(s *session.Session) { keyA.Pop(s) },
				"a=9 b=1":   set("a=9"),
				"empty":     (*session.Session).Clear,
				"a=1 b=5 ":  set("b=5"),
				"a=1 b=1 ":  func(s *session.Session) { keyC.Pop(s) },
				"a=1 b=1  ": func(s *session.Session) { s.SetOwner("ann") },
			} {
				_, c, kept := ended(t, l)
				wantErr(t, kept.Update(ctx, func(s *session.Session) error { fn(s); return nil }), nil)
				wantErr(t, kept.Save(ctx), nil)
				c.wantState(strings.TrimSpace(name))
			}

			t.Run("an Update that failed may be tried again", func(t *testing.T) {
				for _, fault := range []error{provider.ErrTooLarge, provider.ErrFull} {
					w, c, kept := ended(t, l)
					w.onSave(refused(fault))
					if err := kept.Update(ctx, setting("a=2")); err == nil || errors.Is(err, session.ErrRequestDone) {
						t.Errorf("got %v", err)
					}
					c.wantState("a=1 b=1")
					wantErr(t, kept.Save(ctx), nil) // Update has already returned the error
					wantErr(t, kept.Update(ctx, setting("a=3")), nil)
					c.wantState("a=3 b=1")
				}
			})

			t.Run("a closure that fails leaves no error", func(t *testing.T) {
				_, c, kept := ended(t, l)
				wantErr(t, kept.Update(ctx, func(s *session.Session) error { keyA.Set(s, 2); return errBroken }), errBroken)
				wantErr(t, kept.Update(ctx, setting("a=3")), nil)
				c.wantState("a=3 b=1")
			})

			t.Run("a Pop of nothing is no change", func(t *testing.T) {
				_, _, kept := ended(t, l)
				if _, ok := keyC.Pop(kept); ok {
					t.Error("it took something")
				}
				wantErr(t, kept.Save(ctx), nil)
			})
		})
	}

	t.Run("one that began before the end and fails: what it was to save with is dropped", func(t *testing.T) {
		w, c, _ := begun(t)
		p, got := newPause(), make(chan error)
		var kept *session.Session
		c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			kept = s
			keyB.Set(s, 1)
			w.onSave(func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
				p.here()
				return provider.ErrTooLarge
			})
			go func() { got <- s.Update(ctx, setting("c=1")) }()
			p.reached()
			rw.WriteHeader(http.StatusInternalServerError)
		})
		p.resume()
		wantErr(t, <-got, session.ErrTooLarge)
		wantErr(t, kept.Save(ctx), session.ErrRequestDone)
		c.wantState("a=1")
	})

	t.Run("of a session from Manager.Sessions: a Set outside of Update makes Save fail", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) { s.SetOwner("ann") }).wantPage(t)
		all, err := w.m.Sessions(ctx, "ann")
		if err != nil || len(all) != 1 {
			t.Fatalf("got %d sessions, %v", len(all), err)
		}
		wantErr(t, all[0].Update(ctx, setting("b=1")), nil)
		keyA.Set(all[0], 9)
		wantErr(t, all[0].Save(ctx), session.ErrRequestDone)
		c.wantState("a=1 b=1")
	})
}
