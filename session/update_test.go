package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleSessionUpdate(t *testing.T) {
	ctx := context.Background()

	t.Run("refreshes to the newest record", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			c.tab().post(set("a=10"))
			wantErr(t, s.Update(ctx, func(s *session.Session) error {
				n, _ := keyA.Get(s)
				keyA.Set(s, n+1)
				return nil
			}), nil)
			if w.stored(s.PublicID()).Version == 0 || c.state() != "a=11" {
				t.Error("Update returned before its commit")
			}
		}).wantPage(t)
		c.wantState("a=11")
	})

	t.Run("keeps pending changes", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			keyB.Set(s, 5)
			keyA.Update(s, increment)
			c.tab().post(set("a=10"))
			wantErr(t, s.Update(ctx, func(s *session.Session) error {
				if got := show(s); got != "a=11 b=5" {
					t.Errorf("fn sees %q", got)
				}
				keyC.Set(s, 6)
				return nil
			}), nil)
		}).wantPage(t)
		c.wantState("a=11 b=5 c=6")
	})

	t.Run("undoes fn's changes and runs it again on any concurrent change", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		runs := 0
		c.post(func(s *session.Session) {
			keyB.Set(s, 5) // pending before fn runs
			wantErr(t, s.Update(ctx, func(s *session.Session) error {
				runs++
				if runs == 1 {
					keyA.Set(s, 100)
					keyB.Delete(s)
					rival.post(set("c=3"))
					return nil
				}
				if got := show(s); got != "a=1 b=5 c=3" {
					t.Errorf("the second run sees %q", got)
				}
				return nil
			}), nil)
		}).wantPage(t)
		if runs != 2 {
			t.Errorf("fn ran %d times", runs)
		}
		c.wantState("a=1 b=5 c=3")
	})

	t.Run("runs fn again also when it destroys the session", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		c.post(func(s *session.Session) {
			wantErr(t, s.Update(ctx, func(s *session.Session) error {
				if n, _ := keyA.Get(s); n == 1 { // its result is not used
					rival.post(set("a=2"))
					s.Destroy()
				}
				return nil
			}), nil)
		}).wantPage(t)
		rival.wantState("a=2")
	})

	t.Run("runs fn again also when it renews the session", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		a := c.post(func(s *session.Session) {
			wantErr(t, s.Update(ctx, func(s *session.Session) error {
				if n, _ := keyA.Get(s); n == 1 {
					w.onSave(pass, before(func() { rival.post(set("a=2")) }))
					s.Renew()
				}
				return nil
			}), nil)
		})
		a.wantPage(t)
		a.wantCookies(t, 0)
		c.wantState("a=2")
	})

	t.Run("never conflicts by what fn read", func(t *testing.T) {
		for _, l := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
			_, c, _ := begun(t, level(l))
			rival := c.tab()
			runs := 0
			c.post(func(s *session.Session) {
				wantErr(t, s.Update(ctx, func(s *session.Session) error {
					n, _ := keyA.Get(s)
					if runs++; runs == 1 {
						rival.post(set("a=10"))
					}
					keyA.Set(s, n+1)
					return nil
				}), nil)
			}).wantPage(t)
			c.wantState("a=11")
		}
	})

	t.Run("saves nothing when fn fails, and returns its error", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			failed := errors.New("failed")
			saves := w.store.Saves.Load()
			err := s.Update(ctx, func(s *session.Session) error { keyA.Set(s, 100); keyC.Set(s, 3); return failed })
			wantErr(t, err, failed)
			if w.store.Saves.Load() != saves {
				t.Error("something was saved")
			}
			if got := show(s); got != "a=1" {
				t.Errorf("the session is left as %q", got)
			}
			keyB.Set(s, 5)
		}).wantPage(t)
		c.wantState("a=1 b=5")
	})

	t.Run("keeps what was pending when fn fails", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			keyB.Set(s, 5)
			s.Update(ctx, func(s *session.Session) error { keyB.Set(s, 100); return errors.New("failed") })
		}).wantPage(t)
		c.wantState("a=1 b=5")
	})

	t.Run("begins a session and sets its cookie", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		a := c.post(func(s *session.Session) {
			wantErr(t, s.Update(ctx, setting("a=1")), nil)
			if s.PublicID() == "" || w.stored(s.PublicID()) == nil {
				t.Error("nothing is stored")
			}
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("a=1")
	})

	t.Run("of a session that is gone is ErrEnded", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			c.tab().post((*session.Session).Destroy).wantPage(t)
			wantErr(t, s.Update(ctx, setting("a=2")), session.ErrEnded)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		c.wantState("empty")
	})

	t.Run("an unknown outcome that landed does not run fn's change twice", func(t *testing.T) {
		w, c, _ := begun(t)
		c.post(func(s *session.Session) {
			w.onSave(landed)
			wantErr(t, s.Update(ctx, func(s *session.Session) error { keyA.Update(s, increment); return nil }), nil)
		}).wantPage(t)
		c.wantState("a=2")
	})

	t.Run("counts in parallel", func(t *testing.T) {
		_, c, _ := begun(t)
		meet := barrier(20)
		parallel(20, func(int) {
			c.tab().post(func(s *session.Session) {
				meet()
				wantErr(t, s.Update(ctx, func(s *session.Session) error {
					n, _ := keyA.Get(s)
					keyA.Set(s, n+1)
					return nil
				}), nil)
			}).wantPage(t)
		})
		c.wantState("a=21")
	})

	t.Run("works after the request", func(t *testing.T) {
		_, c, _ := begun(t)
		var kept *session.Session
		c.post(func(s *session.Session) { kept = s })
		c.post(set("b=2"))
		wantErr(t, kept.Update(ctx, func(s *session.Session) error { keyA.Update(s, increment); return nil }), nil)
		c.wantState("a=2 b=2")
	})

	t.Run("after a request that failed commits nothing of that", func(t *testing.T) {
		for name, change := range map[string]func(*session.Session){"a set": set("a=2"), "a Renew": renew, "a Destroy": destroy} {
			t.Run(name, func(t *testing.T) {
				_, c, _ := begun(t)
				var kept *session.Session
				c.send(http.MethodPost, func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					kept = s
					change(s)
					w.WriteHeader(http.StatusInternalServerError)
				})
				wantErr(t, kept.Update(ctx, setting("b=2")), session.ErrRequestDone)
				c.wantState("a=1")
			})
		}
	})

	t.Run("after a request that met a conflict commits nothing of that", func(t *testing.T) {
		_, c, _ := begun(t)
		var kept *session.Session
		c.post(func(s *session.Session) {
			kept = s
			keyA.Get(s)
			c.tab().post(set("a=7"))
			keyA.Set(s, 2)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		err := kept.Update(ctx, setting("b=2"))
		wantErr(t, err, session.ErrRequestDone)
		wantErr(t, err, session.ErrConflict) // its cause
		c.tab().post(func(s *session.Session) {
			if n, _ := keyA.Get(s); n != 7 {
				t.Errorf("a is %d", n)
			}
		})
	})

	t.Run("after the request, of a session that is gone is ErrEnded", func(t *testing.T) {
		_, c, _ := begun(t)
		var kept *session.Session
		c.post(func(s *session.Session) { kept = s })
		c.tab().post((*session.Session).Destroy)
		wantErr(t, kept.Update(ctx, setting("a=2")), session.ErrEnded)
		c.wantState("empty")
	})
}

// The ways in which Session.Update ends.
func TestRuleSessionUpdateEnds(t *testing.T) {
	bubble("the runs of fn are bounded", t, func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		w.onSave(slices.Repeat([]saveHook{then(func() { rival.post(add(keyB, 1)) }, pass), pass}, 200)...)
		c.post(func(s *session.Session) {
			err := s.Update(context.Background(), func(s *session.Session) error { keyA.Update(s, increment); return nil })
			wantErr(t, err, session.ErrUnavailable)
			if errors.Is(err, session.ErrOutcomeUnknown) {
				t.Errorf("got %v", err)
			}
		})
		w.calm()
	})

	t.Run("of a session that is erased is ErrEnded, and never re-creates it", func(t *testing.T) {
		w, c, id := begun(t)
		c.post(func(s *session.Session) {
			w.erase(id)
			err := s.Update(context.Background(), func(s *session.Session) error { keyA.Set(s, 2); return nil })
			wantErr(t, err, session.ErrEnded)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
		if w.stored(id) != nil {
			t.Error("it was re-created")
		}
	})
}

// The last Update of a websocket, which finds that its session has ended, loses no
// change.
func TestAnEmptyUpdateLosesNothing(t *testing.T) {
	ctx := t.Context()
	for name, end := range map[string]func(*session.Session){"destroyed": destroy, "renewed": renew} {
		t.Run("of a session that was "+name, func(t *testing.T) {
			w, c, _ := begun(t)
			var kept *session.Session
			c.serve(hijackable(w.m.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
				kept = s
				if _, _, err := http.NewResponseController(rw).Hijack(); err != nil {
					t.Error(err)
				}
				c.tab().post(end).wantPage(t)
				wantErr(t, s.Update(ctx, func(*session.Session) error { return nil }), session.ErrEnded)
			})), request("GET", ""))
			if text := w.log.String(); strings.Contains(text, "lost") || strings.Contains(text, "dropped") {
				t.Errorf("logged %q", text)
			}
			err := kept.Update(ctx, func(*session.Session) error { return nil })
			if !errors.Is(err, session.ErrEnded) || errors.Is(err, session.ErrRequestDone) {
				t.Errorf("after the request: %v", err)
			}
		})
	}

	bubble("while the store is down", t, func(t *testing.T) {
		w, c, _ := begun(t)
		c.serve(hijackable(w.m.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			if _, _, err := http.NewResponseController(rw).Hijack(); err != nil {
				t.Error(err)
			}
			w.onFetch(failing, failing, failing, failing)
			wantErr(t, s.Update(ctx, func(*session.Session) error { return nil }), session.ErrUnavailable)
		})), request("GET", ""))
		synctest.Wait()
		if text := w.log.String(); strings.Contains(text, "lost") || strings.Contains(text, "dropped") {
			t.Errorf("logged %q", text)
		}
	})

	t.Run("but what was changed and not saved is lost, and logged", func(t *testing.T) {
		w, c, _ := begun(t)
		c.serve(hijackable(w.m.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			http.NewResponseController(rw).Hijack()
			c.tab().post(destroy).wantPage(t)
			keyB.Set(s, 1)
			wantErr(t, s.Update(ctx, func(*session.Session) error { return nil }), session.ErrEnded)
		})), request("GET", ""))
		if text := w.log.String(); !strings.Contains(text, "lost") {
			t.Errorf("logged %q", text)
		}
	})
}
