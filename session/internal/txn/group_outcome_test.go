package txn_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

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
