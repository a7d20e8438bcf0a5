package session_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session"
)

// What a GET asks for counts, also if its copy already has it: others may have changed the
// session since, and were answered before the GET began.
func TestRuleReadCacheChanges(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*session.Session)
		want   string
	}{
		{"Set", set("a=1"), "a=1 b=5"},
		{"Delete", func(s *session.Session) { keyB.Delete(s) }, "a=5"},
		{"Clear", func(s *session.Session) { s.Clear(); keyA.Set(s, 1) }, "a=1"},
		{"Update", func(s *session.Session) { keyA.Update(s, func(int) int { return 1 }) }, "a=1 b=5"},
	} {
		bubble("a change that an old copy already has is made over the newest version: "+test.name, t, func(t *testing.T) {
			_, c, second := readers(t)
			c.tab().post(func(s *session.Session) { keyA.Set(s, 5); keyB.Set(s, 5) }).wantPage(t)
			c.tab().readAt(second, test.change).wantPage(t)
			c.wantState(test.want)
		})
	}

	bubble("a change that an old copy already has, and that depends on it, is a conflict", t, func(t *testing.T) {
		_, c, second := readers(t)
		c.tab().post(set("a=5")).wantPage(t)
		runs := 0
		c.tab().readAt(second, func(s *session.Session) {
			runs++
			n, _ := keyA.Get(s)
			keyA.Set(s, n)
		}).wantPage(t)
		if c.wantState("a=5"); runs != 2 {
			t.Errorf("the handler ran %d times; want 2", runs)
		}
	})

	bubble("a Delete of what an old copy lacks is made over the newest version, also after a Refresh", t, func(t *testing.T) {
		_, c, second := readers(t)
		c.tab().post(set("b=5")).wantPage(t)
		c.tab().readAt(second, func(s *session.Session) {
			_, err := keyA.Refresh(t.Context(), s, func(n int) bool { return n != 7 }, func(context.Context, int) (int, error) { return 7, nil })
			wantErr(t, err, nil)
			keyB.Delete(s)
		}).wantPage(t)
		c.wantState("a=7")
	})

	bubble("such a change is refused if the session has ended", t, func(t *testing.T) {
		w := newWorld(t)
		silent(w)
		c, second := w.client(), w.manager(copies)
		c.post(set("a=1"))
		for range 2 {
			c.at(second).get(func(*session.Session) {})
			synctest.Wait()
		}
		wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil)
		c.readAt(second, set("a=1")).wantError(t, http.StatusConflict, session.ErrEnded)
	})

	bubble("what the store has read, or the request has saved, is no copy", t, func(t *testing.T) {
		w, c, _ := readers(t)
		w.wantTrips(t, 1, func() { c.post(set("a=1")).wantPage(t) }) // the load
		w.wantTrips(t, 1, func() {                                   // the first Save
			c.readAt(w.m, func(s *session.Session) {
				for range 3 {
					keyA.Set(s, 2)
					wantErr(t, s.Save(t.Context()), nil)
				}
			}).wantPage(t)
		})
	})

	bubble("it costs one trip, and a Pop of what the copy lacks costs none", t, func(t *testing.T) {
		w, c, _ := readers(t)
		w.wantTrips(t, 1, func() { c.readAt(w.m, set("a=1")).wantPage(t) })
		w.wantTrips(t, 0, func() { c.readAt(w.m, func(s *session.Session) { keyB.Pop(s) }).wantPage(t) })
	})
}
