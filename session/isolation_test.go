package session_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// The session begins as "a=1 b=1". First mine runs, then all of theirs, and then mine
// commits. Want is for LevelMerge, LevelSerializable and LevelStrict; where it is "", the
// rules leave the result open.
func TestRuleIsolation(t *testing.T) {
	sum := keyA.MergeWith(func(base, mine, theirs int) int { return mine + theirs - base })
	sumC := keyC.MergeWith(func(base, mine, theirs int) int { return mine + theirs - base })
	flash := keyA.LastWriteWins()
	listed := func(s *session.Session) { s.Keys() }
	pop := func(s *session.Session) { keyA.Pop(s) }
	for _, tc := range []struct {
		rule         string
		mine, theirs func(*session.Session)
		want         [3]string
	}{
		// Different keys.
		{"sets of different keys merge", set("a=5"), set("b=2"), [3]string{"a=5 b=2", "a=5 b=2", conflict}},
		{"a set and a new key merge", set("a=5"), set("c=2"), [3]string{"a=5 b=1 c=2", "a=5 b=1 c=2", conflict}},
		{"a set and a delete merge", set("a=5"), del(keyB), [3]string{"a=5", "a=5", conflict}},
		{"a set and a Clear merge", set("a=5"), clearAll, [3]string{"a=5", "a=5", conflict}},
		{"a delete and a set merge", del(keyA), set("b=2"), [3]string{"b=2", "b=2", conflict}},
		{"a Pop and a set merge", pop, set("b=2"), [3]string{"b=2", "b=2", conflict}},
		{"an Update and a set merge", add(keyA, 10), set("b=2"), [3]string{"a=11 b=2", "a=11 b=2", conflict}},

		// The same key, unread.
		{"an unread set wins", set("a=5"), set("a=2"), [3]string{"a=5 b=1", "a=5 b=1", conflict}},
		{"an unread set wins over a delete", set("a=5"), del(keyA), [3]string{"a=5 b=1", "a=5 b=1", conflict}},
		{"an unread delete wins", del(keyA), set("a=2"), [3]string{"b=1", "b=1", conflict}},
		{"unread sets of one value merge", set("a=2"), set("a=2"), [3]string{"a=2 b=1", "a=2 b=1", conflict}},
		{"every set is applied, equal or not", set("a=1 c=3"), set("a=2"), [3]string{"a=1 b=1 c=3", "a=1 b=1 c=3", conflict}},
		{"every set is applied, equal or not, to a deleted key too", set("a=1 c=3"), del(keyA), [3]string{"a=1 b=1 c=3", "a=1 b=1 c=3", conflict}},
		{"only equal sets are no change", set("a=1"), set("a=2"), [3]string{"a=2 b=1", "a=2 b=1", "a=2 b=1"}},

		// Read and written.
		{"a key read and set has changed", inOrder(read(keyA), set("a=5")), set("a=2"), [3]string{conflict, conflict, conflict}},
		{"a key read and set was deleted", inOrder(read(keyA), set("a=5")), del(keyA), [3]string{conflict, conflict, conflict}},
		{"a key read and set was cleared", inOrder(read(keyA), set("a=5")), clearAll, [3]string{conflict, conflict, conflict}},
		{"a key read and set was set to the same", inOrder(read(keyA), set("a=2")), set("a=2"), [3]string{conflict, conflict, conflict}},
		{"a key read and set back has changed", inOrder(read(keyA), set("a=1 c=3")), set("a=2"), [3]string{conflict, conflict, conflict}},
		{"a key read and deleted has changed", inOrder(read(keyA), del(keyA)), set("a=2"), [3]string{conflict, conflict, conflict}},
		{"a key found absent and set was set", inOrder(read(keyC), set("c=5")), set("c=2"), [3]string{conflict, conflict, conflict}},
		{"a key popped has changed", pop, set("a=2"), [3]string{conflict, conflict, conflict}},
		{"a key popped was popped", pop, pop, [3]string{conflict, conflict, conflict}},
		{"a key popped, and all cleared, was popped", inOrder(pop, clearAll), pop, [3]string{conflict, conflict, conflict}},
		{"a key popped and set was popped", inOrder(pop, set("a=5")), pop, [3]string{conflict, conflict, conflict}},
		{"a key popped was deleted", pop, del(keyA), [3]string{conflict, conflict, conflict}},
		{"a key read and set has not changed", inOrder(read(keyA), set("a=5")), set("b=2"), [3]string{"a=5 b=2", "a=5 b=2", conflict}},

		// Read, and another written.
		{"a key read has changed, another was set", inOrder(read(keyA), set("b=5")), set("a=2"), [3]string{"a=2 b=5", conflict, conflict}},
		{"a key read has changed, another was updated", inOrder(read(keyA), add(keyB, 1)), set("a=2"), [3]string{"a=2 b=2", conflict, conflict}},
		{"a key read has changed, another was popped", inOrder(read(keyB), pop), set("b=2"), [3]string{"b=2", conflict, conflict}},
		{"a key read has changed, another was deleted", inOrder(read(keyA), del(keyB)), set("a=2"), [3]string{"a=2", conflict, conflict}},
		{"a key read has changed, all is renewed", inOrder(read(keyA), (*session.Session).Renew), set("a=2"), [3]string{"a=2 b=1", conflict, conflict}},
		{"a key read has changed, all is destroyed", inOrder(read(keyA), (*session.Session).Destroy), set("a=2"), [3]string{"empty", conflict, conflict}},
		{"a key found absent was set, another was set", inOrder(read(keyC), set("b=5")), set("c=2"), [3]string{"a=1 b=5 c=2", conflict, conflict}},
		{"the keys were listed, one was added", inOrder(listed, set("a=5")), set("c=2"), [3]string{"a=5 b=1 c=2", conflict, conflict}},
		{"the keys were listed, one was deleted", inOrder(listed, set("a=5")), del(keyB), [3]string{"a=5", conflict, conflict}},
		{"the keys were listed, one was set", inOrder(listed, set("a=5")), set("b=2"), [3]string{"a=5 b=2", "a=5 b=2", conflict}},

		// Update.
		{"an Update is applied to the newest value", add(keyA, 10), add(keyA, 100), [3]string{"a=111 b=1", "a=111 b=1", conflict}},
		{"an Update of a deleted key gets zero", add(keyA, 10), del(keyA), [3]string{"a=10 b=1", "a=10 b=1", conflict}},
		{"an Update of a key added meanwhile gets its value", add(keyC, 10), set("c=2"), [3]string{"a=1 b=1 c=12", "a=1 b=1 c=12", conflict}},
		{"two Updates of a key are both applied again", inOrder(add(keyA, 10), add(keyA, 20)), set("a=100"), [3]string{"a=130 b=1", "", conflict}},
		{
			"an Update after a set starts from what was set", inOrder(set("a=5"), add(keyA, 10)), set("a=100"),
			[3]string{"a=15 b=1", "a=15 b=1", conflict},
		},
		{
			"an Update's closure reads the state being rebased on",
			func(s *session.Session) {
				keyA.Update(s, func(n int) int { m, _ := keyB.Get(s); return n + m })
			},
			set("b=100"),
			[3]string{"a=101 b=100", "a=101 b=100", conflict},
		},

		// Clear.
		{"Clear removes what was changed", clearAll, set("a=2"), [3]string{"empty", "empty", conflict}},
		{"Clear removes keys added meanwhile", clearAll, set("c=2"), [3]string{"empty", "empty", conflict}},
		{"what is set after Clear stays", inOrder(clearAll, set("b=5")), set("c=2"), [3]string{"b=5", "b=5", conflict}},
		{"Clear after a read of another's change", inOrder(read(keyA), clearAll), set("b=2"), [3]string{"empty", "empty", conflict}},
		{"Clear after a listing, and one was added", inOrder(listed, clearAll), set("c=2"), [3]string{"empty", conflict, conflict}},

		// MergeWith.
		{
			"MergeWith exempts a key read and set, at the first level",
			func(s *session.Session) { n, _ := sum.Get(s); sum.Set(s, n+10) },
			add(keyA, 100),
			[3]string{"a=111 b=1", conflict, conflict},
		},
		{
			"MergeWith merges what was not read",
			func(s *session.Session) { sum.Set(s, 11) },
			add(keyA, 100),
			[3]string{"a=111 b=1", "a=111 b=1", conflict},
		},
		{
			"MergeWith has zero for the base of a key that both add",
			func(s *session.Session) { n, _ := sumC.Get(s); sumC.Set(s, n+10) },
			set("c=100"),
			[3]string{"a=1 b=1 c=110", conflict, conflict},
		},
		{
			"MergeWith does not exempt a key that they deleted",
			func(s *session.Session) { n, _ := sum.Get(s); sum.Set(s, n+10) },
			del(keyA),
			[3]string{conflict, conflict, conflict},
		},
		{
			"MergeWith does not exempt a key that I deleted",
			func(s *session.Session) { sum.Get(s); sum.Delete(s) },
			set("a=2"),
			[3]string{conflict, conflict, conflict},
		},

		// LastWriteWins.
		{
			"a LastWriteWins key counts as unread when it is set",
			func(s *session.Session) { flash.Get(s); flash.Set(s, 5) },
			set("a=2"),
			[3]string{"a=5 b=1", "a=5 b=1", conflict},
		},
		{
			"a LastWriteWins key counts as unread when another is set",
			inOrder(func(s *session.Session) { flash.Get(s) }, set("b=5")),
			set("a=2"),
			[3]string{"a=2 b=5", "a=2 b=5", conflict},
		},
		{
			"a LastWriteWins key counts as unread when it is popped",
			func(s *session.Session) { flash.Pop(s) },
			func(s *session.Session) { flash.Pop(s) },
			[3]string{"b=1", "b=1", conflict},
		},
	} {
		for i, name := range []string{"Merge", "Serializable", "Strict"} {
			if tc.want[i] == "" {
				continue
			}
			t.Run(tc.rule+"/"+name, func(t *testing.T) {
				w := newWorld(t, level(session.Isolation(i)))
				c := w.client()
				c.post(set("a=1 b=1")).wantPage(t)
				rival := c.tab()
				var theirs string
				a := c.post(func(s *session.Session) {
					tc.mine(s)
					rival.post(tc.theirs).wantPage(t)
					theirs = rival.state()
				})
				if tc.want[i] == conflict {
					a.wantError(t, http.StatusConflict, session.ErrConflict)
					a.wantCookies(t, 0)
					c.wantState(theirs)
					return
				}
				a.wantPage(t)
				c.wantState(tc.want[i])
			})
		}
	}
}
