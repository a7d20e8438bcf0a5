package session_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleDestroy(t *testing.T) {
	t.Run("is a CAS into a tombstone, not an unconditional delete", func(t *testing.T) {
		w, c, id := begun(t)
		version := w.stored(id).Version
		c.post(destroy).wantPage(t)
		if n := w.store.Deletes.Load(); n != 0 {
			t.Errorf("%d deletes", n)
		}
		saves := w.savesSince(1)
		if len(saves) != 1 || saves[0].ID != id || saves[0].expect != version {
			t.Errorf("saves %v", saves)
		}
	})

	t.Run("clears the cookie", func(t *testing.T) {
		_, c, _ := begun(t)
		if a := c.post(destroy); !a.cleared() {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})

	t.Run("the old cookie opens nothing, and its requests set none", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		c.post(destroy)
		a := tab.post(func(s *session.Session) {
			if got := show(s); got != "empty" {
				t.Errorf("it sees %q", got)
			}
		})
		a.wantPage(t)
		a.wantCookies(t, 0)
		a = tab.post(set("b=2"))
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		a.wantCookies(t, 0)
	})

	t.Run("what was in flight does not bring it back", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := tab.post(func(s *session.Session) {
			keyB.Set(s, 2)
			c.post(destroy).wantPage(t)
		})
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		a.wantCookies(t, 0)
		tab.wantState("empty")
	})

	t.Run("rebases over another's change", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) { s.Destroy(); tab.post(set("b=2")) })
		a.wantPage(t)
		tab.wantState("empty")
	})

	t.Run("conflicts by the same rules", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) { pop(s); s.Destroy(); tab.post(set("a=7")) })
		a.wantError(t, http.StatusConflict, session.ErrConflict)
		a.wantCookies(t, 0)
		tab.wantState("a=7")
	})

	t.Run("after a Pop and a Clear, the Pop still conflicts", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) { inOrder(pop, clearAll, destroy)(s); tab.post(pop) })
		a.wantError(t, http.StatusConflict, session.ErrConflict)
	})

	t.Run("after a Pop and a Clear, absent is no success", func(t *testing.T) {
		w, c, id := begun(t)
		a := c.post(func(s *session.Session) { inOrder(pop, clearAll, destroy)(s); w.erase(id) })
		a.wantError(t, http.StatusConflict, session.ErrEnded)
	})

	t.Run("after the headers destroys all the same", func(t *testing.T) {
		_, c, _ := begun(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			s.Destroy()
		})
		c.wantState("empty")
	})

	t.Run("absent is success", func(t *testing.T) {
		w, c, id := begun(t)
		a := c.post(func(s *session.Session) { s.Destroy(); w.erase(id) })
		a.wantPage(t)
		if !a.cleared() {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})

	t.Run("absent is no success if it popped something", func(t *testing.T) {
		w, c, id := begun(t)
		c.post(func(s *session.Session) { pop(s); s.Destroy(); w.erase(id) }).wantError(t, http.StatusConflict, session.ErrEnded)
	})

	t.Run("absent after an unknown outcome is unknown if it popped something", func(t *testing.T) {
		w, c, id := begun(t)
		w.onSave(after(landed, func() { w.erase(id) }))
		c.post(inOrder(pop, destroy)).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
	})

	t.Run("destroyed by another meanwhile is no success if it popped something", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) { pop(s); s.Destroy(); tab.post(destroy) })
		if a.err == nil {
			t.Error("two requests have consumed one value")
		}
	})

	t.Run("twice at once: both are logged out", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.post(func(s *session.Session) { s.Destroy(); tab.post(destroy).wantPage(t) })
		a.wantPage(t)
		if !a.cleared() {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})

	t.Run("of a new session stores nothing and sets no cookie", func(t *testing.T) {
		w := newWorld(t)
		a := w.client().post(inOrder(set("a=1"), destroy))
		a.wantPage(t)
		a.wantCookies(t, 0)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("changes before it go with it", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.post(inOrder(set("b=2"), destroy))
		a.wantPage(t)
		if !a.cleared() {
			t.Errorf("Set-Cookie %q", a.cookies())
		}
	})
}

// The tombstone of a destroyed session is kept for at least five minutes.
func TestRuleDestroyLasts(t *testing.T) {
	bubble("five minutes", t, func(t *testing.T) {
		w, c, id := begun(t)
		c.post(destroy).wantPage(t)
		if left := time.Until(w.stored(id).ExpiresAt); left != 5*time.Minute {
			t.Errorf("it lasts %v", left)
		}
	})
}

func TestRuleDestroyFollows(t *testing.T) {
	t.Run("the chain of successors, and destroys the last", func(t *testing.T) {
		for _, renewals := range []int{1, 2, 3} {
			w, c, _ := begun(t)
			tab := c.tab()
			a := c.post(func(s *session.Session) {
				s.Destroy()
				for range renewals {
					tab.post(renew).wantPage(t)
				}
			})
			a.wantPage(t)
			if !a.cleared() {
				t.Errorf("Set-Cookie %q", a.cookies())
			}
			tab.wantState("empty")
			if n := w.store.Deletes.Load(); n != 0 {
				t.Errorf("%d deletes", n)
			}
		}
	})

	t.Run("the chain also between its load and its save", func(t *testing.T) {
		w, c, _ := begun(t)
		tab := c.tab()
		w.onSave(before(func() { tab.post(login).wantPage(t) }))
		c.post(destroy).wantPage(t)
		tab.wantState("empty")
	})

	t.Run("nothing, if it loaded a tombstone", func(t *testing.T) {
		_, c, _ := begun(t)
		old := c.tab()
		c.post(login).wantPage(t)
		a := old.post(destroy)
		a.wantPage(t)
		a.wantCookies(t, 0) // a late answer would otherwise delete the cookie that the login has just set
		c.wantState("a=1 c=1")
	})
}

// A request whose cookie leads to a tombstone sets no cookie, whatever is set after
// Destroy.
func TestRuleDestroyTombstone(t *testing.T) {
	_, c, _ := begun(t)
	old := c.tab()
	c.post(login).wantPage(t)
	old.post(inOrder(destroy, set("b=2"))).wantCookies(t, 0)
	c.wantState("a=1 c=1")
}

func TestRuleDestroyUnknown(t *testing.T) {
	for name, fault := range map[string]func(*world) saveHook{
		"landed": func(*world) saveHook { return landed },
		"lost":   func(*world) saveHook { return dropped },
		"late":   func(w *world) saveHook { return w.late },
	} {
		t.Run("is retried: "+name, func(t *testing.T) {
			w, c, _ := begun(t)
			tab := c.tab()
			w.onSave(fault(w))
			a := c.post(destroy)
			a.wantPage(t)
			if !a.cleared() {
				t.Errorf("Set-Cookie %q", a.cookies())
			}
			tab.wantState("empty")
		})
	}

	t.Run("then is 503 with the cookie kept, so that logging out can be repeated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(destroy)
			w.calm()
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
			tab := c.tab()
			if a := c.post(destroy); !a.cleared() {
				t.Errorf("Set-Cookie %q", a.cookies())
			}
			tab.wantState("empty")
		})
	})

	t.Run("whose read-back fails is never a success unseen", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			tab := c.tab()
			w.onSave(then(func() { w.onFetch(slices.Repeat([]fetchHook{failing}, 1000)...) }, dropped))
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(destroy)
			w.calm()
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
			tab.wantState("a=1")
		})
	})
}

// Values that the handler sets after Destroy begin a new session.
func TestRuleSetAfterDestroy(t *testing.T) {
	goodbye := inOrder(destroy, set("b=2"))

	t.Run("tombstone first, then create, one Set-Cookie", func(t *testing.T) {
		w, c, old := begun(t)
		tab := c.tab()
		a := c.post(goodbye)
		a.wantPage(t)
		a.wantCookies(t, 1)
		saves := w.savesSince(1)
		if len(saves) != 2 || saves[0].ID != old || saves[1].ID == old || saves[1].expect != 0 {
			t.Errorf("want a tombstone and a create, got %d saves", len(saves))
		}
		c.wantState("b=2")
		tab.wantState("empty")
	})

	t.Run("the handler sees only what it set after", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			s.Destroy()
			if got := show(s); got != "empty" {
				t.Errorf("after Destroy it sees %q", got)
			}
			keyB.Set(s, 2)
			if got := show(s); got != "b=2" {
				t.Errorf("it sees %q", got)
			}
		})
	})

	t.Run("if the create fails the clearing cookie still goes out with the error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t)
			tab := c.tab()
			w.onSave(pass)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(goodbye)
			w.calm()
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			if !a.cleared() {
				t.Errorf("Set-Cookie %q", a.cookies())
			}
			tab.wantState("empty")
		})
	})

	t.Run("if the tombstone fails nothing is created", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, id := begun(t)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := c.post(goodbye)
			w.calm()
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
			for _, sv := range w.savesSince(1) {
				if sv.ID != id {
					t.Error("a create was tried")
				}
			}
			c.wantState("a=1")
		})
	})

	t.Run("after a Save in between, too", func(t *testing.T) {
		_, c, _ := begun(t)
		tab := c.tab()
		a := c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			s.Destroy()
			wantErr(t, s.Save(context.Background()), nil)
			keyB.Set(s, 2)
			io.WriteString(w, "page")
		})
		a.wantPage(t)
		a.wantCookies(t, 1)
		c.wantState("b=2")
		tab.wantState("empty")
	})
}

func TestRuleDestroyUnknownCookie(t *testing.T) {
	w, c, id := begun(t)
	w.erase(id)
	if a := c.post((*session.Session).Destroy); !a.cleared() {
		t.Errorf("Set-Cookie is %q", a.cookies())
	}
}
