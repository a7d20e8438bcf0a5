package session_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// Reads that follow from the request's own changes, and reads in the closure of an
// Update. The session begins as "a=1 b=1".
func TestRuleWhatWasReadByUpdates(t *testing.T) {
	fromB := func(s *session.Session) func(int) int {
		return func(n int) int { b, _ := keyB.Get(s); return n + b }
	}
	fromKeys := func(s *session.Session) func(int) int {
		return func(int) int { return len(s.Keys()) }
	}
	for _, tc := range []struct {
		rule string
		mine func(s *session.Session, theirs func(string))
		want string
	}{
		{
			"a listing in the closure of a lone Update does not count",
			func(s *session.Session, theirs func(string)) { keyA.Update(s, fromKeys(s)); theirs("c=3") }, "a=3 b=1 c=3",
		},
		{
			"a listing in the closure of an Update counts once a Set could depend on it",
			func(s *session.Session, theirs func(string)) {
				n := keyA.Update(s, fromKeys(s))
				theirs("c=3")
				keyB.Set(s, n)
			}, conflict,
		},
		{
			"a listing in the closure of an Update counts once a Clear could depend on it",
			func(s *session.Session, theirs func(string)) {
				keyA.Update(s, fromKeys(s))
				theirs("c=3")
				s.Clear()
			}, conflict,
		},
		{
			"what the closure of an Update read counts once a Persist could depend on it",
			func(s *session.Session, theirs func(string)) {
				keyA.Update(s, fromB(s))
				theirs("b=3")
				s.Persist(1e12)
			}, conflict,
		},
		{
			"what the closure of an Update read counts once its result is read",
			func(s *session.Session, theirs func(string)) {
				keyA.Update(s, fromB(s))
				keyA.Get(s)
				theirs("b=3")
			}, conflict,
		},
		{
			"the closure of another Update is no such reader of its own key",
			func(s *session.Session, theirs func(string)) {
				keyA.Update(s, increment)
				keyC.Update(s, func(n int) int { a, _ := keyA.Get(s); return n + a })
				theirs("c=3")
			}, "a=2 b=1 c=5",
		},
		{
			"what the closure of an Update read counts once it is read outside",
			func(s *session.Session, theirs func(string)) {
				keyA.Update(s, fromB(s))
				keyB.Get(s)
				theirs("b=3")
			}, conflict,
		},
		{
			"a listing in the closure of an Update counts once there is one outside",
			func(s *session.Session, theirs func(string)) {
				keyA.Update(s, fromKeys(s))
				s.Keys()
				theirs("c=3")
			}, conflict,
		},
		{
			"a Clear of the request's own is no news to it",
			func(s *session.Session, theirs func(string)) {
				keyA.Get(s)
				s.Keys()
				s.Clear()
				s.Save(context.Background())
				keyB.Set(s, 5)
			}, "b=5",
		},
		{
			"a Clear of the request's own is no news to it, what comes after is",
			func(s *session.Session, theirs func(string)) {
				keyA.Get(s)
				s.Clear()
				s.Save(context.Background())
				theirs("a=3")
				keyB.Set(s, 5)
			}, conflict,
		},
		{
			"a Delete of the request's own is no news to its listing",
			func(s *session.Session, theirs func(string)) {
				s.Keys()
				keyA.Delete(s)
				s.Save(context.Background())
				keyB.Set(s, 5)
			}, "b=5",
		},
		{
			"a Set of the request's own is no news to its listing",
			func(s *session.Session, theirs func(string)) {
				s.Keys()
				keyC.Set(s, 3)
				s.Save(context.Background())
				keyB.Set(s, 5)
			}, "a=1 b=5 c=3",
		},
		{
			"a read counts for a Renew, whatever was loaded in between",
			func(s *session.Session, theirs func(string)) {
				keyA.Get(s)
				theirs("a=3")
				s.Update(context.Background(), func(*session.Session) error { return nil })
				s.Renew()
			}, conflict,
		},
		{
			"a read counts for a change that has become none",
			func(s *session.Session, theirs func(string)) {
				keyA.Get(s)
				theirs("a=3")
				s.Update(context.Background(), func(*session.Session) error { return nil })
				keyA.Set(s, 3)
			}, conflict,
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, level(session.LevelSerializable))
			c := w.client()
			c.post(set("a=1 b=1")).wantPage(t)
			rival := c.tab()
			a := c.post(func(s *session.Session) {
				tc.mine(s, func(change string) { rival.post(set(change)).wantPage(t) })
			})
			if tc.want == conflict {
				a.wantError(t, http.StatusConflict, session.ErrConflict)
				return
			}
			a.wantPage(t)
			c.wantState(tc.want)
		})
	}
}
