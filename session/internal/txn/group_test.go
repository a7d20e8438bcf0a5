package txn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/queue"
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

// A commit that conflicts with one before it in the group conflicts only if that one is
// saved.
func TestConflictWithACommitThatIsNotSavedIsNone(t *testing.T) {
	bubble(t, "and it is saved", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.wait(func(v *visit) { v.set("a", "x") })
		y := l.wait(func(v *visit) { v.set("a", v.get("a")+"y") })
		l.hook(failing(provider.ErrRefused))
		l.release()
		wantDone(t, records.ErrUnavailable, x)
		wantDone(t, nil, y)
		l.wantStored(first, "a=1y b=1 h=1")
	})
}

func TestOutcomeOfASaveIsThatOfTheWholeGroup(t *testing.T) {
	landed := func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if err := next(ctx, rec, expect); err != nil {
			return err
		}
		return errBroken
	}
	lost := failing(errBroken)
	var l *line
	gone := func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		err := landed(ctx, rec, expect, next)
		l.erase(first)
		return err
	}
	for _, tc := range []struct {
		rule   string
		hooks  []saveHook
		want   error
		stored string
		reads  int64
	}{
		{"landed without an answer: it is read back once", []saveHook{landed}, nil, "n=xy", 1},
		{"lost, and sent again", []saveHook{lost}, nil, "n=xy", 1},
		{"unknown", []saveHook{lost, lost, lost, lost}, records.ErrOutcomeUnknown, "", 4},
		{"gone, and unknown", []saveHook{gone}, records.ErrGoneUnknown, "gone", 1},
		{"refused", []saveHook{failing(provider.ErrRefused)}, records.ErrUnavailable, "", 0},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			l = newLine(t, txn.LevelMerge)
			x, y := l.appends("x"), l.appends("y")
			l.hook(tc.hooks...)
			reads := l.via.Fetches.Load()
			l.release()
			elapse(timeout / 2)
			wantDone(t, tc.want, x, y)
			if tc.stored != "gone" {
				l.wantStored(first, strings.TrimSpace("a=1 b=1 h=1 "+tc.stored))
			}
			if n := l.via.Fetches.Load() - reads; n != tc.reads {
				t.Errorf("%d reads, want %d", n, tc.reads)
			}
			if tc.want == nil {
				return
			}
			for i, c := range []*commit{x, y} {
				if got := c.get("n"); got != "xy"[i:i+1] {
					t.Errorf("the request sees n=%q: the change of another that was not saved", got)
				}
			}
		})
	}
}

func TestGroupAndAnotherInstance(t *testing.T) {
	elsewhere := func(w *world, do func(v *visit)) saveHook {
		return before(func() {
			second := newWorld(w.t, txn.LevelMerge)
			second.mem, second.via.Provider = w.mem, w.mem
			second.other(do)
		})
	}
	bubble(t, "whose save comes first: the changes are applied again, in the same order", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, y := l.appends("x"), l.appends("y")
		reader := l.wait(func(v *visit) { v.set("b", v.get("b")+"z") })
		l.hook(elsewhere(l.world, func(v *visit) { v.set("n", "0"); v.set("b", "2") }))
		l.release()
		wantDone(t, nil, x, y)
		wantDone(t, txn.ErrConflict, reader)
		l.wantStored(first, "a=1 b=2 h=1 n=0xy")
		l.wantGroupSaves(2)
	})
	bubble(t, "the leader conflicts: the next one leads", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		reader := l.wait(func(v *visit) { v.set("b", v.get("b")+"z") })
		x, y := l.appends("x"), l.appends("y")
		l.hook(elsewhere(l.world, func(v *visit) { v.set("b", "2") }))
		l.release()
		wantDone(t, nil, x, y)
		wantDone(t, txn.ErrConflict, reader)
		l.wantStored(first, "a=1 b=2 h=1 n=xy")
		l.wantGroupSaves(2)
	})
	bubble(t, "that has ended the session: nobody of the group is saved", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, y := l.appends("x"), l.appends("y")
		l.hook(elsewhere(l.world, func(v *visit) { v.Destroy() }))
		l.release()
		wantDone(t, records.ErrTombstone, x, y)
		l.wantStored(first, "tombstone")
		l.wantGroupSaves(1)
	})
}

func TestGroupThatTheStoreFindsTooLargeIsSavedOneByOne(t *testing.T) {
	for _, refusal := range []error{provider.ErrTooLarge, provider.ErrFull} {
		bubble(t, refusal.Error(), func(t *testing.T) {
			l := newLine(t, txn.LevelMerge)
			x, y, z := l.appends("x"), l.appends("y"), l.appends("z")
			limited := func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				if strings.Contains(string(rec.Data), "xy") {
					return refusal
				}
				return next(ctx, rec, expect)
			}
			l.hook(slices.Repeat([]saveHook{limited}, 20)...)
			l.release()
			elapse(timeout / 2)
			landed := 0
			for _, c := range []*commit{x, y, z} {
				if c.err == nil {
					landed++
				}
			}
			if landed == 0 {
				t.Errorf("nobody is saved: %v, %v, %v", x.err, y.err, z.err)
			}
		})
	}
}

func TestClosureOfAGroup(t *testing.T) {
	bubble(t, "that panics does so in its own request", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, runs := l.appends("x"), 0
		broken := l.appends("?", func() {
			if runs++; runs > 1 {
				panic(errNo)
			}
		})
		y := l.appends("y")
		l.release()
		wantDone(t, nil, x, y)
		if broken.panicked != errNo {
			t.Errorf("panic %v, want %v", broken.panicked, errNo)
		}
		l.wantStored(first, "a=1 b=1 h=1 n=xy")
		l.wantGroupSaves(1)
	})
	bubble(t, "of the leader that panics leaves the others to the next one", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		runs := 0
		broken := l.appends("?", func() {
			if runs++; runs > 1 {
				panic(errNo)
			}
		})
		x, y := l.appends("x"), l.appends("y")
		l.release()
		wantDone(t, nil, x, y)
		if broken.panicked != errNo {
			t.Errorf("panic %v, want %v", broken.panicked, errNo)
		}
		l.wantStored(first, "a=1 b=1 h=1 n=xy")
	})
	bubble(t, "that waits for another of the group stops it for 50 ms only", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		saved, runs := make(chan struct{}), 0
		x := l.appends("x")
		slow := l.appends("s", func() {
			if runs++; runs == 2 {
				<-saved
			}
		})
		y := l.appends("y")
		l.release()
		elapse(txn.MaxWait / 2)
		synctest.Wait()
		wantDone(t, nil, x, y)
		wantWaiting(t, slow)
		close(saved)
		synctest.Wait()
		wantDone(t, nil, slow)
		l.wantStored(first, "a=1 b=1 h=1 n=xys")
	})
	bubble(t, "of the leader that waits for another in the line stops it for 100 ms only", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		saved, runs := make(chan struct{}), 0
		slow := l.appends("s", func() {
			if runs++; runs == 2 {
				<-saved
			}
		})
		x, y := l.appends("x"), l.appends("y")
		l.release()
		elapse(2 * txn.MaxWait)
		wantDone(t, nil, x, y)
		close(saved)
		synctest.Wait()
		wantDone(t, nil, slow)
		l.wantStored(first, "a=1 b=1 h=1 n=xys")
	})
}

func TestSaveThatDoesNotEndIsWaitedForFor100Milliseconds(t *testing.T) {
	bubble(t, "once for all that wait", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, y := l.appends("x"), l.appends("y")
		elapse(txn.MaxWait)
		synctest.Wait()
		wantDone(t, nil, x, y)
		wantWaiting(t, l.head)
		l.wantGroupSaves(1)
		z := l.visit(first)
		z.appends("n", "z")
		wantDone(t, nil, z.start()) // nobody has the turn any more
		l.release()
		wantDone(t, nil, l.head)
		l.wantStored(first, "a=1 b=1 h=1 n=xyz")
	})
}

func TestCommitsThatDoNotWaitForASave(t *testing.T) {
	persist := limits.PersistLifetime
	for _, tc := range []struct {
		rule string
		do   func(v *visit) error
	}{
		{"Renew", func(v *visit) error { v.Renew(); return v.commit() }},
		{"Destroy", func(v *visit) error { v.Destroy(); return v.commit() }},
		{"Persist", func(v *visit) error { v.Persist(persist); return v.commit() }},
		{"SetOwner", func(v *visit) error { v.SetOwner("ann"); return v.commit() }},
		{"Session.Update", func(v *visit) error {
			return v.Run(v.w.t.Context(), func() error { v.set("c", "1"); return nil })
		}},
		{"a touch", func(v *visit) error { return v.commit() }},
		{"a new session", func(v *visit) error {
			n := v.w.visit("")
			n.set("a", "1")
			return n.commit()
		}},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			l := newLine(t, txn.LevelMerge)
			elapse(limits.TouchInterval)
			v := l.visit(first)
			done := make(chan error, 1)
			go func() { done <- tc.do(v) }()
			synctest.Wait()
			select {
			case err := <-done:
				wantErr(t, err, nil)
			default:
				t.Error("it waits")
			}
			wantWaiting(t, l.head)
			l.release()
			elapse(timeout)
		})
	}
	bubble(t, "at LevelStrict, which merges nothing", func(t *testing.T) {
		l := newLine(t, txn.LevelStrict)
		v := l.visit(first)
		v.set("c", "1")
		wantDone(t, nil, v.start())
		l.release()
		wantDone(t, txn.ErrConflict, l.head)
	})
	bubble(t, "of another session", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.put("second", content("a=1"))
		v := l.visit("second")
		v.set("c", "1")
		wantDone(t, nil, v.start())
		l.release()
	})
}

// The base of a request whose changes were saved in a group lacks those of the commits
// after it in the group.
func TestLaterCommitOfARequestOfAGroupMeetsTheOthers(t *testing.T) {
	bubble(t, "as a conflict, or by a rebase", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.wait(func(v *visit) { v.get("b"); v.set("x", "1") })
		y := l.wait(func(v *visit) { v.set("b", "2"); v.set("y", "1") })
		l.release()
		wantDone(t, nil, x, y)
		x.set("b", x.get("b")+"x")
		wantErr(t, x.commit(), txn.ErrConflict)
		y.set("z", "1")
		wantErr(t, y.commit(), nil)
		l.wantStored(first, "a=1 b=2 h=1 x=1 y=1 z=1")
	})
	bubble(t, "also after a Clear, which the request knows", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.wait(func(v *visit) { v.get("b"); v.Delete("a", false) })
		c := l.wait(func(v *visit) { v.Clear() })
		y := l.wait(func(v *visit) { v.set("b", "2") })
		l.release()
		wantDone(t, nil, x, c, y)
		l.wantStored(first, "b=2")
		c.set("b", c.get("b")+"c")
		wantErr(t, c.commit(), txn.ErrConflict)
		l.wantStored(first, "b=2")
	})
}

func TestVisitorWhoHangsUpWhileTheCommitWaits(t *testing.T) {
	bubble(t, "does not stop it", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		ctx, hangUp := context.WithCancel(t.Context())
		v := l.visit(first)
		v.appends("n", "x")
		done := make(chan error, 1)
		go func() { done <- v.Commit(ctx, txn.Auto) }()
		synctest.Wait()
		hangUp()
		l.release()
		wantErr(t, <-done, nil)
		l.wantStored(first, "a=1 b=1 h=1 n=x")
	})
}

func TestDestroyWhileTheCommitWaits(t *testing.T) {
	bubble(t, "ends the session", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.appends("x")
		x.Destroy()
		l.release()
		wantDone(t, nil, x)
		wantErr(t, x.commit(), nil)
		l.wantStored(first, "tombstone")
	})
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

// A leader that waits for its place in the queue may wait for a handler.
func TestLeaderThatQueuesPassesItsTurn(t *testing.T) {
	bubble(t, "to the next commit", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.appends("x")
		ticket, _ := queue.Join(t.Context(), first)
		l.hook(before(func() { l.put(first, with(l.get(first), "c", "1")) }))
		l.release()
		wantWaiting(t, x)
		v := l.visit(first)
		v.appends("n", "y")
		wantDone(t, nil, v.start())
		ticket.Leave()
		synctest.Wait()
		wantDone(t, nil, x)
		l.wantStored(first, "a=1 b=1 c=1 h=1 n=yx")
	})
}

func TestSaveThatPanicsLeavesTheOutcomeUnknown(t *testing.T) {
	bubble(t, "to the whole group", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, y := l.appends("x"), l.appends("y")
		l.hook(before(func() { panic(errNo) }))
		l.release()
		if x.panicked != errNo {
			t.Errorf("panic %v, want %v", x.panicked, errNo)
		}
		wantDone(t, records.ErrOutcomeUnknown, y)
		v := l.visit(first)
		v.appends("n", "z")
		wantDone(t, nil, v.start())
	})
}
