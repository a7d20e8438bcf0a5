package txn_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

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
		w, x, y := l.appends("w"), l.appends("x"), l.appends("y")
		x.Destroy()
		l.release()
		wantDone(t, nil, w, x, y)
		z := l.visit(first)
		z.appends("n", "z")
		wantDone(t, nil, z.start())
		l.wantStored(first, "a=1 b=1 h=1 n=wyz")
		wantErr(t, x.commit(), nil)
		l.wantStored(first, "tombstone")
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
