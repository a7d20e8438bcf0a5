package txn_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// line is the commits of the first session that wait for a save that is under way. It is
// used in a bubble.
type line struct {
	*world
	t       *testing.T
	head    *commit // whose save is under way
	release func()
	saves   int64 // before those of the group
}

// commit is a commit that runs in a goroutine of its own.
type commit struct {
	*visit
	done     atomic.Bool // after the rest is set
	err      error
	panicked any
}

func (v *visit) start() *commit {
	c := &commit{visit: v}
	go func() {
		defer func() {
			c.panicked = recover()
			c.done.Store(true)
		}()
		c.err = v.commit()
	}()
	synctest.Wait()
	return c
}

// newLine returns a line whose head adds "h=1".
func newLine(t *testing.T, level txn.Isolation) *line {
	w := newWorld(t, level)
	w.put(first, content("a=1 b=1"))
	l := &line{world: w, t: t}
	l.release = w.holdSave()
	v := w.visit(first)
	v.set("h", "1")
	l.head = v.start()
	l.saves = w.via.Saves.Load()
	return l
}

// holdSave holds the next save before it reaches the store, until release is called.
func (w *world) holdSave() (release func()) {
	gate := make(chan struct{})
	w.hook(before(func() { <-gate }))
	return func() {
		close(gate)
		synctest.Wait()
	}
}

func (w *world) hook(hooks ...saveHook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onSave = append(w.onSave, hooks...)
}

// wait returns a commit that waits in the line.
func (l *line) wait(do func(v *visit)) *commit {
	l.t.Helper()
	v := l.visit(first)
	do(v)
	c := v.start()
	if c.done.Load() {
		l.t.Errorf("a commit did not wait: %v", c.err)
	}
	return c
}

// appends waits with an Update that appends s to the key n.
func (l *line) appends(s string, closures ...func()) *commit {
	l.t.Helper()
	return l.wait(func(v *visit) { v.appends("n", s, closures...) })
}

// appends appends s to the key by an Update.
func (v *visit) appends(key, s string, closures ...func()) {
	fn := func(old txn.Value) (txn.Value, error) {
		for _, c := range closures {
			c()
		}
		return value(string(old.Bytes()) + s), nil
	}
	v.Update(key, false, fn, fn)
}

// with returns what follows c with the key set.
func with(c *records.Content, key, s string) *records.Content {
	next := records.Follow(c)
	next.Expires = c.Expires
	next.EncodeAfter(c, &c.Entries, []envelope.Edit{{Name: key, Value: []byte(s)}})
	return next
}

// wantGroupSaves wants that many saves after that of the head.
func (l *line) wantGroupSaves(want int64) {
	l.t.Helper()
	if n := l.via.Saves.Load() - l.saves; n != want {
		l.t.Errorf("%d saves after the head's, want %d", n, want)
	}
}

func wantDone(t *testing.T, want error, commits ...*commit) {
	t.Helper()
	for i, c := range commits {
		if !c.done.Load() {
			t.Errorf("commit %d has not ended", i)
			continue
		}
		if !errors.Is(c.err, want) {
			t.Errorf("commit %d: error %v, want %v", i, c.err, want)
		}
	}
}

func wantWaiting(t *testing.T, commits ...*commit) {
	t.Helper()
	for i, c := range commits {
		if c.done.Load() {
			t.Errorf("commit %d was answered too early: %v", i, c.err)
		}
	}
}

func TestCommitsThatWaitAreSavedTogether(t *testing.T) {
	for _, level := range []string{"merge", "serializable"} {
		bubble(t, level, func(t *testing.T) {
			l := newLine(t, levels[level])
			x, y, z := l.appends("x"), l.appends("y"), l.wait(func(v *visit) { v.set("a", "z") })
			l.release()
			wantDone(t, nil, l.head, x, y, z)
			l.wantStored(first, "a=z b=1 h=1 n=xy")
			l.wantGroupSaves(1)
			if c := l.get(first); records.Commits(c.Version) != 3 || len(c.History) != 8 {
				t.Errorf("commit %d with a history of %d bytes, want one version for the group", records.Commits(c.Version), len(c.History))
			}
		})
	}
}

func TestGroupIsBounded(t *testing.T) {
	bubble(t, "by 64 commits", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		var all []*commit
		want := ""
		for i := range 100 {
			s := string(rune('A' + i%26))
			all, want = append(all, l.appends(s)), want+s
		}
		l.release()
		wantDone(t, nil, all...)
		l.wantStored(first, "a=1 b=1 h=1 n="+want)
		l.wantGroupSaves(2)
	})
}

func TestNoCommitOfAGroupIsAnsweredBeforeTheSave(t *testing.T) {
	bubble(t, "neither one that is saved nor one that conflicts", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, y := l.appends("x"), l.appends("y")
		conflicting := l.wait(func(v *visit) { v.set("n", v.get("n")+"z") })
		idle := l.wait(func(v *visit) { v.appends("n", "") })
		release := l.holdSave()
		l.release()
		wantDone(t, nil, l.head)
		wantWaiting(t, x, y, conflicting, idle)
		release()
		wantDone(t, nil, x, y, idle)
		wantDone(t, txn.ErrConflict, conflicting)
		l.wantStored(first, "a=1 b=1 h=1 n=xy")
	})
}

func TestCommitThatCannotJoinLeavesTheOthersInTheGroup(t *testing.T) {
	for _, tc := range []struct {
		rule string
		do   func(v *visit)
		want error
	}{
		{"a conflict", func(v *visit) { v.set("n", v.get("n")+"z") }, txn.ErrConflict},
		{"a pop of what another has popped", func(v *visit) { v.pop("b") }, txn.ErrConflict},
		{"too large", func(v *visit) { v.set("big", strings.Repeat("b", 1000)) }, records.ErrTooLarge},
		{"a closure that fails", func(v *visit) {
			runs := 0
			fn := func(old txn.Value) (txn.Value, error) {
				if runs++; runs > 1 {
					return txn.Value{}, errNo
				}
				return old, nil
			}
			v.Update("n", false, fn, fn)
			v.set("c", "1")
		}, errNo},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			l := newLine(t, txn.LevelMerge)
			x, pop := l.appends("x"), l.wait(func(v *visit) { v.pop("b") })
			refused := l.wait(tc.do)
			y := l.appends("y")
			l.release()
			wantDone(t, nil, l.head, x, pop, y)
			wantDone(t, tc.want, refused)
			l.wantStored(first, "a=1 h=1 n=xy")
			l.wantGroupSaves(1)
		})
	}
}

func TestEventsOfAGroup(t *testing.T) {
	bubble(t, "say whose save it was", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.appends("x")
		l.appends("y")
		l.release()
		var got []string
		for _, e := range l.events {
			got = append(got, fmt.Sprint(e.Op, " ", e.Attempts, " ", e.Joined))
		}
		slices.Sort(got)
		if want := []string{"save 1 false", "save 2 false", "save 2 true"}; !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}
