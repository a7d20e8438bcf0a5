package session_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// A request reads a value, another one changes it, and the first one writes: "What was
// read" of the commit rules. The session begins as "a=1 b=1"; theirs runs as a whole
// inside of mine.
func TestRuleWhatWasRead(t *testing.T) {
	const merge, serializable = session.LevelMerge, session.LevelSerializable
	for _, tc := range []struct {
		rule  string
		level session.Isolation
		mine  func(s *session.Session, theirs func(...string))
		want  string
	}{
		{
			"Get is a read", merge,
			func(s *session.Session, theirs func(...string)) { keyA.Get(s); theirs("a=2"); keyA.Set(s, 5) }, conflict,
		},
		{
			"Pop is a read", merge,
			func(s *session.Session, theirs func(...string)) { keyA.Pop(s); theirs("a=2") }, conflict,
		},
		{
			"Pop is a read of a key set afterwards", merge,
			func(s *session.Session, theirs func(...string)) { keyA.Pop(s); keyA.Set(s, 5); theirs("a=2") }, conflict,
		},
		{
			"an absent key is a read", merge,
			func(s *session.Session, theirs func(...string)) { keyC.Get(s); theirs("c=2"); keyC.Set(s, 5) }, conflict,
		},
		{
			"an absent key is a read, at the next level of any change", serializable,
			func(s *session.Session, theirs func(...string)) { keyC.Get(s); theirs("c=2"); keyB.Set(s, 5) }, conflict,
		},
		{
			"Keys is a read of the key set", serializable,
			func(s *session.Session, theirs func(...string)) { s.Keys(); theirs("c=2"); keyB.Set(s, 5) }, conflict,
		},
		{
			"Keys is no read of the values", serializable,
			func(s *session.Session, theirs func(...string)) { s.Keys(); theirs("a=2"); keyB.Set(s, 5) }, "a=2 b=5",
		},
		{
			"what was never read may change", serializable,
			func(s *session.Session, theirs func(...string)) { keyB.Get(s); theirs("a=2"); keyB.Set(s, 5) }, "a=2 b=5",
		},
		{
			"a Get of the request's own Set is no read", serializable,
			func(s *session.Session, theirs func(...string)) { keyA.Set(s, 5); keyA.Get(s); theirs("a=2") }, "a=5 b=1",
		},
		{
			"reads are remembered by value: there and back is no change", merge,
			func(s *session.Session, theirs func(...string)) { keyA.Get(s); theirs("a=2", "a=1"); keyA.Set(s, 5) }, "a=5 b=1",
		},
		{
			"reads are remembered by value: there and back is no change, nor at the next level", serializable,
			func(s *session.Session, theirs func(...string)) { keyA.Get(s); theirs("a=2", "a=1"); keyB.Set(s, 5) }, "a=1 b=5",
		},
		{
			"both sides writing the same value is a change for one that read the old", merge,
			func(s *session.Session, theirs func(...string)) { keyA.Get(s); theirs("a=2"); keyA.Set(s, 2) }, conflict,
		},
		{
			"both sides writing the same value is a change for one that read the old, of any key", serializable,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				theirs("a=2")
				keyA.Set(s, 2)
				keyB.Set(s, 5)
			}, conflict,
		},
		{
			"Get after Update is a read of the base", serializable,
			func(s *session.Session, theirs func(...string)) {
				keyA.Update(s, increment)
				n, _ := keyA.Get(s)
				theirs("a=10")
				keyB.Set(s, n)
			}, conflict,
		},
		{
			"Get after Update is a read of the base, also if nothing is set afterwards", serializable,
			func(s *session.Session, theirs func(...string)) {
				keyA.Update(s, increment)
				keyA.Get(s)
				theirs("a=10")
			}, conflict,
		},
		{
			"Get after Update leaves the Update alone to merge", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Update(s, increment)
				keyA.Get(s)
				theirs("a=10")
			}, "a=11 b=1",
		},
		{
			"Get before Update leaves the Update alone to merge", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				keyA.Update(s, increment)
				theirs("a=10")
			}, "a=11 b=1",
		},
		{
			"an Update is a read of a key set afterwards", merge,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				theirs("a=10")
				keyA.Set(s, n*2)
			}, conflict,
		},
		{
			"what an Update's closure read is a read of a key set afterwards", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Update(s, func(n int) int { m, _ := keyB.Get(s); return n + m })
				theirs("b=10")
				keyB.Set(s, 5)
			}, conflict,
		},
		{
			"what an Update gave counts once a later change could depend on it", serializable,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				theirs("a=10")
				keyB.Set(s, n)
			}, conflict,
		},
		{
			"what an Update's closure read counts once a later change could depend on it", serializable,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, func(n int) int { m, _ := keyB.Get(s); return n + m })
				theirs("b=10")
				keyC.Set(s, n)
			}, conflict,
		},
		{
			"reads survive Save", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				keyC.Set(s, 3)
				s.Save(context.Background())
				theirs("a=2")
				keyA.Set(s, 5)
			}, conflict,
		},
		{
			"reads survive Save, at the next level of any change", serializable,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				keyC.Set(s, 3)
				s.Save(context.Background())
				theirs("a=2")
				keyB.Set(s, 5)
			}, conflict,
		},
		{
			"reads survive a Save that had to rebase", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				keyC.Set(s, 3)
				theirs("b=2")
				s.Save(context.Background())
				theirs("a=2")
				keyA.Set(s, 5)
			}, conflict,
		},
		{
			"reads survive Session.Update", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				s.Update(context.Background(), func(s *session.Session) error { keyC.Set(s, 3); return nil })
				theirs("a=2")
				keyA.Set(s, 5)
			}, conflict,
		},
		{
			"reads are validated when the CAS itself would succeed: after a Save that rebased", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				theirs("a=2")
				keyC.Set(s, 3)
				s.Save(context.Background()) // merges: a is not mine to change yet
				keyA.Set(s, 5)
			}, conflict,
		},
		{
			"reads are validated when the CAS itself would succeed: after a refresh by Session.Update", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				theirs("a=2")
				s.Update(context.Background(), func(s *session.Session) error { keyC.Set(s, 3); return nil })
				keyA.Set(s, 5)
			}, conflict,
		},
		{
			"the request's own saved change is no change of what it read", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				keyA.Set(s, 5)
				s.Save(context.Background())
				theirs("b=2")
				keyA.Get(s)
				keyA.Set(s, 6)
			}, "a=6 b=2",
		},
		{
			"the request's own saved change is no change of what it read, at the next level", serializable,
			func(s *session.Session, theirs func(...string)) {
				keyA.Get(s)
				keyA.Set(s, 5)
				s.Save(context.Background())
				theirs("b=2")
				keyA.Get(s)
				keyC.Set(s, 6)
			}, "a=5 b=2 c=6",
		},
		{
			"a change of the request's own saved value is a change for one that read it again", merge,
			func(s *session.Session, theirs func(...string)) {
				keyA.Set(s, 5)
				s.Save(context.Background())
				keyA.Get(s)
				theirs("a=2")
				keyA.Set(s, 6)
			}, conflict,
		},
		{
			"what an Update gave survives a Save that rebased it", merge,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				theirs("a=10")
				s.Save(context.Background()) // stores 11, but the request has seen 2
				keyA.Set(s, 2*n)
			}, conflict,
		},
		{
			"what was read before an Update survives a Save that rebased it", merge,
			func(s *session.Session, theirs func(...string)) {
				n, _ := keyA.Get(s)
				keyA.Update(s, increment)
				theirs("a=10")
				s.Save(context.Background())
				keyA.Set(s, 2*n)
			}, conflict,
		},
		{
			"what an Update gave survives a Save that rebased it, at the next level", serializable,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				theirs("a=10")
				s.Save(context.Background())
				keyB.Set(s, n+20)
			}, conflict,
		},
		{
			"what an Update gave survives a Session.Update that rebased it", merge,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				theirs("a=10")
				s.Update(context.Background(), func(s *session.Session) error { keyC.Set(s, 3); return nil })
				keyA.Set(s, 2*n)
			}, conflict,
		},
		{
			"what an Update gave is what a Save stored if nobody was in between", merge,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				theirs("b=10")
				s.Save(context.Background())
				keyA.Set(s, 2*n)
			}, "a=4 b=10",
		},
		{
			"what an Update gave is what a Save stored if nobody was in between, at the next level", serializable,
			func(s *session.Session, theirs func(...string)) {
				n := keyA.Update(s, increment)
				s.Save(context.Background())
				theirs("b=10")
				keyC.Set(s, n)
			}, "a=2 b=10 c=2",
		},
		{
			"a request that changes nothing never conflicts", session.LevelStrict,
			func(s *session.Session, theirs func(...string)) { keyA.Get(s); s.Keys(); theirs("a=2") }, "a=2 b=1",
		},
		{
			"a request that sets what was there changes nothing", session.LevelStrict,
			func(s *session.Session, theirs func(...string)) { keyA.Get(s); keyA.Set(s, 1); theirs("a=2") }, "a=2 b=1",
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, level(tc.level))
			c := w.client()
			c.post(set("a=1 b=1")).wantPage(t)
			rival := c.tab()
			a := c.post(func(s *session.Session) {
				tc.mine(s, func(changes ...string) {
					for _, change := range changes {
						rival.post(set(change)).wantPage(t)
					}
				})
			})
			if tc.want == conflict {
				a.wantError(t, http.StatusConflict, session.ErrConflict)
				return
			}
			a.wantPage(t)
			c.wantState(tc.want)
		})
	}

	t.Run("an earlier read is validated in the Session.Update that could depend on it", func(t *testing.T) {
		w := newWorld(t, level(session.LevelSerializable))
		c := w.client()
		c.post(set("a=1 b=1"))
		c.post(func(s *session.Session) {
			n, _ := keyA.Get(s)
			c.tab().post(set("a=2"))
			err := s.Update(context.Background(), func(s *session.Session) error { keyB.Set(s, n+10); return nil })
			wantErr(t, err, session.ErrConflict)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=2 b=1")
	})
}
