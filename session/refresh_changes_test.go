package session_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

var levels = map[string]session.Isolation{"merge": session.LevelMerge, "serializable": session.LevelSerializable, "strict": session.LevelStrict}

// A Refresh commits its key alone: what other requests change of other keys does not
// disturb it at any level, and what its own request changes stays pending.
func TestRuleRefreshAndChangesOfOtherKeys(t *testing.T) {
	for name, l := range levels {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t, level(l))
			other := c.tab()
			c.post(refreshing(t, 1, 2, nil, during(func() { other.post(set("b=1")).wantPage(t) }))).wantPage(t)
			c.wantState("a=2 b=1")
			c.tab().post(set("b=3")).wantPage(t)
			c.post(func(s *session.Session) {
				keyC.Set(s, 1)
				refreshing(t, 2, 4, nil, func(context.Context, int) (int, error) {
					other.wantState("a=2 b=3") // c is pending
					return 4, nil
				})(s)
				other.wantState("a=4 b=3")
			}).wantPage(t)
			c.wantState("a=4 b=3 c=1")
		})
	}
}

// The conflicts of the request's own changes are decided as without a Refresh.
func TestRuleRefreshHidesNoConflict(t *testing.T) {
	for name, tc := range map[string]struct {
		level                 session.Isolation
		before, theirs, after string
		conflict              bool
	}{
		"merge, another key":        {session.LevelMerge, "", "b=5", "c=1", false},
		"strict, another key":       {session.LevelStrict, "", "b=5", "c=1", true},
		"strict, pending":           {session.LevelStrict, "c=1", "b=5", "", true},
		"serializable, another key": {session.LevelSerializable, "", "b=5", "c=1", false},
	} {
		for _, when := range []string{"before", "during", "after"} {
			t.Run(name+", "+when, func(t *testing.T) {
				_, c, _ := begun(t, level(tc.level))
				other := c.tab()
				rival := func(at string) {
					if at == when {
						other.post(set(tc.theirs)).wantPage(t)
					}
				}
				a := c.post(func(s *session.Session) {
					set(tc.before)(s)
					rival("before")
					refreshing(t, 1, 2, nil, during(func() { rival("during") }))(s)
					rival("after")
					set(tc.after)(s)
				})
				if tc.conflict {
					a.wantError(t, 409, session.ErrConflict)
					c.wantState("a=2 b=5")
					return
				}
				a.wantPage(t)
				c.wantState("a=2 b=5 c=1")
			})
		}
	}
	for name, l := range levels {
		t.Run("read, "+name, func(t *testing.T) {
			_, c, _ := begun(t, level(l))
			other := c.tab()
			c.post(func(s *session.Session) {
				keyB.Get(s)
				refreshing(t, 1, 2, nil, during(func() { other.post(set("b=5")).wantPage(t) }))(s)
				keyB.Set(s, 1)
			}).wantError(t, 409, session.ErrConflict)
			c.wantState("a=2 b=5")
		})
	}
}

// Changes that the request has made of the key itself are what the function gets, and its
// result replaces them.
func TestRuleRefreshAndPendingChangesOfTheKey(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after func(*session.Session)
		old           int
		want          string
	}{
		"Set":               {set("a=7"), nil, 7, "a=8"},
		"Update":            {add(keyA, 6), nil, 7, "a=8"},
		"Delete":            {del(keyA), nil, 0, "a=1"},
		"Clear":             {inOrder(set("b=1"), clearAll), nil, 0, "a=1"},
		"Set, and again":    {set("a=7"), set("a=9"), 7, "a=9"},
		"Set, then Update":  {set("a=7"), add(keyA, 10), 7, "a=18"},
		"Clear afterwards":  {set("a=7"), inOrder(clearAll, set("b=1")), 7, "b=1"},
		"Delete afterwards": {set("a=7 b=1"), del(keyA), 7, "b=1"},
	} {
		for level2, l := range levels {
			t.Run(name+", "+level2, func(t *testing.T) {
				_, c, _ := begun(t, level(l))
				c.post(func(s *session.Session) {
					tc.before(s)
					got, err := keyA.Refresh(t.Context(), s, func(int) bool { return true }, func(_ context.Context, old int) (int, error) {
						if old != tc.old {
							t.Errorf("the function got %d; want %d", old, tc.old)
						}
						return old + 1, nil
					})
					if got != tc.old+1 || err != nil {
						t.Errorf("%d, %v", got, err)
					}
					if now, _ := keyA.Get(s); now != tc.old+1 {
						t.Errorf("Get returns %d", now)
					}
					if tc.after != nil {
						tc.after(s)
					}
				}).wantPage(t)
				c.wantState(tc.want)
			})
		}
	}
	t.Run("fails", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(inOrder(set("a=7"), refreshing(t, 7, 0, errBroken, func(context.Context, int) (int, error) { return 0, errBroken }))).wantPage(t)
		c.wantState("a=7")
	})
	t.Run("saved by the function", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			keyA.Set(s, 7)
			refreshing(t, 7, 2, nil, during(func() { saves(s) }))(s)
		}).wantPage(t)
		c.wantState("a=2")
	})
}

// Another request that changes the key while the function runs, by a way other than
// Refresh, is not overwritten, unless the key permits it.
func TestRuleRefreshOfAKeyThatOthersChange(t *testing.T) {
	sum := keyA.MergeWith(func(base, mine, theirs int) int { return base + 100*mine + 10000*theirs })
	for name, tc := range map[string]struct {
		key    session.Key[int]
		theirs func(*session.Session)
		level  session.Isolation
		value  int
		err    error
		want   string
	}{
		"set":                        {keyA, set("a=5"), session.LevelMerge, 2, session.ErrConflict, "a=5"},
		"deleted":                    {keyA, del(keyA), session.LevelMerge, 2, session.ErrConflict, "empty"},
		"cleared":                    {keyA, clearAll, session.LevelMerge, 2, session.ErrConflict, "empty"},
		"set to what it was":         {keyA, set("a=1"), session.LevelMerge, 2, nil, "a=2"},
		"LastWriteWins":              {keyA.LastWriteWins(), set("a=5"), session.LevelStrict, 2, nil, "a=2"},
		"MergeWith":                  {sum, set("a=5"), session.LevelMerge, 50201, nil, "a=50201"},
		"MergeWith, deleted":         {sum, del(keyA), session.LevelMerge, 2, session.ErrConflict, "empty"},
		"MergeWith at another level": {sum, set("a=5"), session.LevelSerializable, 2, session.ErrConflict, "a=5"},
	} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t, level(tc.level))
			other := c.tab()
			c.post(func(s *session.Session) {
				got, err := tc.key.Refresh(t.Context(), s, is(1), during(func() { other.post(tc.theirs).wantPage(t) }))
				if got != tc.value {
					t.Errorf("%d; want %d", got, tc.value)
				}
				wantErr(t, err, tc.err)
			}).wantPage(t)
			c.wantState(tc.want)
		})
	}
}

// A stale value that was replaced is not a read of the request.
func TestRuleRefreshThatWaitsReadsTheNewValueOnly(t *testing.T) {
	for name, l := range levels {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t, level(l))
			var runs atomic.Int64
			c.post(func(s *session.Session) {
				c.tab().post(refreshing(t, 1, 2, nil, to(2, &runs))).wantPage(t)
				refreshing(t, 1, 2, nil, to(3, &runs))(s)
				keyB.Set(s, 1)
				keyA.Set(s, 9)
			}).wantPage(t)
			c.wantState("a=9 b=1")
			if runs.Load() != 1 {
				t.Errorf("%d runs", runs.Load())
			}
		})
	}
}

// A lease is no key: nobody sees it, and taking it is no change of the session.
func TestRuleALeaseIsNoKey(t *testing.T) {
	for name, l := range levels {
		t.Run(name, func(t *testing.T) {
			w, c, id := begun(t, level(l))
			other := c.tab()
			other.post(func(s *session.Session) {
				keyB.Set(s, 1)
				c.post(refreshing(t, 1, 1, errBroken, func(context.Context, int) (int, error) {
					other.wantState("a=1")
					info, err := session.Inspect(w.stored(id))
					if err != nil || len(info.Values) != 1 {
						t.Errorf("%v, %v", info, err)
					}
					return 1, errBroken
				})).wantPage(t)
			}).wantPage(t)
			c.wantState("a=1 b=1")
		})
	}
}
