package session_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleMergeWithBase(t *testing.T) {
	t.Run("its base is the value first loaded, however often it is rebased", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1"))
		rival := c.tab()
		var calls []string
		k := keyA.MergeWith(func(base, mine, theirs int) int {
			calls = append(calls, fmt.Sprint(base, mine, theirs))
			return mine + theirs - base
		})
		w.onSave(
			before(func() { rival.post(add(keyA, 100)) }), pass,
			before(func() { rival.post(add(keyA, 100)) }),
		)
		c.post(func(s *session.Session) { k.Set(s, 11) }).wantPage(t)
		c.wantState("a=211")
		if len(calls) < 2 || calls[len(calls)-1] != "1 11 201" {
			t.Errorf("merged (base mine theirs) %q; want the last to be 1 11 201", calls)
		}
	})
}

// MergeWith merges also where the compare-and-swap itself would succeed.
func TestRuleMergeWithLater(t *testing.T) {
	sum := keyA.MergeWith(func(base, mine, theirs int) int { return mine + theirs - base })
	for _, tc := range []struct {
		rule string
		mine func(s *session.Session, n int, theirs func())
	}{
		{"in the refresh of Session.Update", func(s *session.Session, n int, theirs func()) {
			sum.Set(s, n+10)
			theirs()
			wantErr(t, s.Update(t.Context(), setting("c=3")), nil)
		}},
		{"after a refresh by Session.Update", func(s *session.Session, n int, theirs func()) {
			theirs()
			wantErr(t, s.Update(t.Context(), setting("c=3")), nil)
			sum.Set(s, n+10)
		}},
		{"after a Save that rebased", func(s *session.Session, n int, theirs func()) {
			theirs()
			keyC.Set(s, 3)
			wantErr(t, s.Save(t.Context()), nil)
			sum.Set(s, n+10)
		}},
		{"after a Save that merged", func(s *session.Session, n int, theirs func()) {
			sum.Set(s, n+4)
			keyC.Set(s, 3)
			theirs()
			wantErr(t, s.Save(t.Context()), nil)
			sum.Set(s, n+10) // 6 more
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, c, _ := begun(t)
			c.post(func(s *session.Session) {
				n, _ := sum.Get(s)
				tc.mine(s, n, func() { c.tab().post(add(keyA, 100)).wantPage(t) })
			}).wantPage(t)
			c.wantState("a=111 c=3")
		})
	}
}

// A value that was read again is not merged twice; a conflict would be right as well.
func TestRuleMergeWithReadAgain(t *testing.T) {
	sum := keyA.MergeWith(func(base, mine, theirs int) int { return mine + theirs - base })
	_, c, _ := begun(t)
	a := c.post(func(s *session.Session) {
		sum.Get(s)
		c.tab().post(add(keyA, 100)).wantPage(t)
		keyC.Set(s, 3)
		wantErr(t, s.Save(t.Context()), nil)
		n, _ := sum.Get(s)
		sum.Set(s, n+10)
	})
	if a.err != nil {
		a.wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=101 c=3")
		return
	}
	c.wantState("a=111 c=3")
}

func TestRuleUpdateClosure(t *testing.T) {
	t.Run("runs without the Session's lock", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1 b=2"))
		c.post(func(s *session.Session) {
			keyA.Update(s, func(n int) int { return n + len(s.Keys()) + len(s.PublicID())*0 })
		}).wantPage(t)
		c.wantState("a=3 b=2")
	})

	t.Run("runs again on a conflict", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1"))
		var saw []int
		c.post(func(s *session.Session) {
			keyA.Update(s, func(n int) int { saw = append(saw, n); return n + 1 })
			c.tab().post(set("a=10"))
		}).wantPage(t)
		if first, last := saw[0], saw[len(saw)-1]; first != 1 || last != 10 {
			t.Errorf("the closure saw %v; want 1 at first and 10 at last", saw)
		}
	})

	t.Run("returns the new value", func(t *testing.T) {
		w := newWorld(t)
		w.client().post(func(s *session.Session) {
			for want := 1; want <= 3; want++ {
				if got := keyA.Update(s, increment); got != want {
					t.Errorf("got %d; want %d", got, want)
				}
			}
		})
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

func TestClosureThatPanicsAtACommitLosesNothing(t *testing.T) {
	w, c, _ := begun(t)
	rival := c.tab()
	w.onSave(before(func() { rival.post(set("a=10")) }))
	c.post(func(s *session.Session) {
		keyA.Update(s, func(n int) int {
			if n == 10 {
				panic("ten")
			}
			return n + 1
		})
		keyB.Set(s, 2)
		if got := panicOf(func() { _ = s.Save(t.Context()) }); got != "ten" {
			t.Errorf("Save panicked with %v", got)
		}
		if got := show(s); got != "a=2 b=2" {
			t.Errorf("the request sees %q", got)
		}
		if got := panicOf(func() { wantErr(t, s.Save(t.Context()), nil) }); got != "ten" {
			t.Errorf("a second Save ended with %v", got)
		}
		keyA.Set(s, 3) // replaces the Update
		s.Clear()
		wantErr(t, s.Save(t.Context()), session.ErrConflict) // the value that Update saw has changed
	})
	c.wantState("a=10")
}

func panicOf(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

func TestClosureThatSetsItsOwnKeyIsAnError(t *testing.T) {
	_, c, _ := begun(t)
	a := c.post(func(s *session.Session) {
		keyA.Update(s, func(n int) int { keyA.Set(s, n+1); return n + 2 })
	})
	a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
	c.wantState("a=1")
}
