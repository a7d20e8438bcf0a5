package txn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

func TestRenewWhileTheCommitWaits(t *testing.T) {
	bubble(t, "is not lost", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.appends("x")
		x.Renew() // of another goroutine of the request
		l.release()
		wantDone(t, nil, x)
		wantErr(t, x.commit(), nil)
		l.wantStored(first, "tombstone")
		if id := x.PublicID(); id == first {
			t.Error("Renew was dropped: the session has its old ID")
		}
	})
	bubble(t, "is not lost, without a group", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.hook(before(func() { w.put(first, with(w.get(first), "c", "1")); v.Renew() }))
		v.set("x", "1")
		wantErr(t, v.commit(), nil)
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "tombstone")
	})
}

func TestDestroyWhileTheCommitWaitsKeepsNothing(t *testing.T) {
	check := func(t *testing.T, w *world, v *visit) {
		t.Helper()
		if got := v.get("a"); got != "" {
			t.Errorf("after Destroy the request sees a=%q of the session that it has destroyed", got)
		}
		v.set("new", "1")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "tombstone")
		if id := v.PublicID(); id != "" && id != first {
			w.wantStored(id, "new=1")
		}
	}
	bubble(t, "before it is asked", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.appends("w")
		x := l.appends("x")
		x.Destroy()
		l.release()
		wantDone(t, nil, x)
		check(t, l.world, x.visit)
	})
	bubble(t, "while the save of the group is under way, which is refused", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.appends("w")
		x := l.visit(first)
		x.appends("n", "x")
		done := make(chan error, 1)
		go func() { done <- x.save() }()
		synctest.Wait()
		l.hook(func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			x.Destroy()
			return provider.ErrRefused
		})
		l.release()
		wantErr(t, <-done, records.ErrUnavailable)
		check(t, l.world, x)
	})
	bubble(t, "without a group", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.hook(before(func() { w.put(first, with(w.get(first), "c", "1")); v.Destroy() }))
		v.set("x", "1")
		wantErr(t, v.commit(), nil)
		check(t, w, v)
	})
}

func TestFollowerWithAPlaceInTheQueue(t *testing.T) {
	bubble(t, "does not wait for a leader that waits for that place", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		leader := l.appends("x")
		v := l.visit(first) // its handler runs again, with a place in the queue
		sp := v.Savepoint()
		if err := v.Rewind(t.Context(), sp); err != nil {
			t.Fatal(err)
		}
		v.appends("n", "y")
		f := v.start()
		began := time.Now()
		l.hook(before(func() { l.put(first, with(l.get(first), "c", "1")) }))
		l.release()
		elapse(5 * txn.MaxWait)
		synctest.Wait()
		if !leader.done.Load() || !f.done.Load() {
			t.Errorf("after %v: leader done %v, follower done %v", time.Since(began), leader.done.Load(), f.done.Load())
		}
		for !leader.done.Load() || !f.done.Load() {
			elapse(time.Second)
		}
		l.wantStored(first, "a=1 b=1 c=1 h=1 n=yx")
		wantDone(t, nil, leader, f)
	})
}

func TestErrorOfAClosureOnWhatIsNotSaved(t *testing.T) {
	bubble(t, "is none of the request", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x := l.wait(func(v *visit) { v.set("a", "0") })
		v := l.visit(first)
		fn := func(old txn.Value) (txn.Value, error) {
			if string(old.Bytes()) == "0" {
				return old, errNo
			}
			return value("0"), nil
		}
		v.Update("a", false, fn, fn)
		done := make(chan error, 1)
		go func() { done <- v.save() }()
		synctest.Wait()
		l.hook(failing(provider.ErrRefused))
		l.release()
		wantDone(t, records.ErrUnavailable, x)
		wantErr(t, <-done, nil)
		l.wantStored(first, "a=0 b=1 h=1")
		if v.Unsaved() {
			t.Error("saved, but not settled")
		}
		wantErr(t, v.commit(), nil)
	})
}

func TestCopyAndTheContentThatALeaderPassesOn(t *testing.T) {
	bubble(t, "which may be outdated: the change is not lost", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, content("a=1 k=0"))
		copied := w.get(first)
		ack := make(chan struct{})
		w.hook(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			err := next(ctx, rec, expect)
			<-ack
			return err
		})
		a := w.visit(first)
		a.set("k", "1")
		head := a.start()
		second := newWorld(t, txn.LevelMerge)
		second.mem, second.via.Provider = w.mem, w.mem
		second.other(func(v *visit) { v.set("k", "2") }) // and is answered
		b := &visit{w: w, req: &request{ctx: t.Context(), hasCookie: true}}
		b.Begin(&w.e, b.req, []byte("token"), first, copied)
		b.SetCopied()
		b.set("k", "1")
		c := b.start()
		close(ack)
		synctest.Wait()
		wantDone(t, nil, head, c)
		w.wantStored(first, "a=1 k=1")
	})
}

func TestClosureThatPanicsLeavesTheLine(t *testing.T) {
	bubble(t, "and the next commit does not wait", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		x, runs := l.appends("x"), 0
		l.appends("?", func() {
			if runs++; runs > 1 {
				panic(errNo)
			}
		})
		l.release()
		wantDone(t, nil, x)
		z := l.visit(first)
		z.appends("n", "z")
		c := z.start()
		if !c.done.Load() {
			t.Error("waits for a request that has ended")
		}
		for !c.done.Load() {
			elapse(time.Millisecond)
		}
	})
}

func TestReadOfWhatWasNotSavedIsNone(t *testing.T) {
	bubble(t, "of a closure that ran again", func(t *testing.T) {
		l := newLine(t, txn.LevelSerializable)
		x := l.wait(func(v *visit) { v.set("a", "9"); v.set("n", "x") })
		v := l.visit(first)
		fn := func(old txn.Value) (txn.Value, error) {
			if old.Present {
				return value(string(old.Bytes()) + v.get("a")), nil
			}
			return value("0"), nil
		}
		v.Update("n", false, fn, fn)
		done := make(chan error, 1)
		go func() { done <- v.save() }()
		synctest.Wait()
		l.hook(failing(provider.ErrRefused))
		l.release()
		wantDone(t, records.ErrUnavailable, x)
		wantErr(t, <-done, records.ErrUnavailable)
		v.set("c", "1")
		wantErr(t, v.save(), nil)
		l.wantStored(first, "a=1 b=1 c=1 h=1 n=0")
	})
}

func TestChangesWhileAClosureRunsAgain(t *testing.T) {
	again := func(do func()) func() {
		runs := 0
		return func() {
			if runs++; runs == 2 {
				do()
			}
		}
	}
	bubble(t, "a Destroy and a Set after it: neither is in the ended session, nor the reverse", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.hook(before(func() { w.put(first, with(w.get(first), "c", "1")) }))
		v.appends("n", "x", again(func() { v.Destroy(); v.set("new", "1") }))
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1 b=1 c=1")
		if got := v.get("n") + v.get("a"); got != "" {
			t.Errorf("the request sees %q of the session that it has destroyed", got)
		}
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "tombstone")
		w.wantStored(v.PublicID(), "new=1")
	})
	bubble(t, "also in a follower", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.appends("w")
		var x *commit
		v := l.visit(first)
		v.appends("n", "x", again(func() { v.Destroy(); v.set("new", "1") }))
		x = v.start()
		y := l.appends("y")
		l.release()
		wantDone(t, nil, x, y)
		l.wantStored(first, "a=1 b=1 h=1 n=wy")
		wantErr(t, x.commit(), nil)
		l.wantStored(first, "tombstone")
		l.wantStored(x.PublicID(), "new=1")
	})
	bubble(t, "a Destroy, and the closure panics", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.appends("w")
		v := l.visit(first)
		v.appends("n", "x", again(func() { v.Destroy(); panic(errNo) }))
		x := v.start()
		l.release()
		if x.panicked != errNo || x.get("a") != "" {
			t.Errorf("panic %v, and the request sees a=%q", x.panicked, x.get("a"))
		}
	})
	bubble(t, "a Destroy while a Renew is under way", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.hook(pass, before(func() { w.put(first, with(w.get(first), "c", "1")); v.Destroy() }))
		v.Renew()
		wantErr(t, v.commit(), nil)
		if got := v.get("a"); got != "" {
			t.Errorf("the request sees a=%q of the session that it has destroyed", got)
		}
		wantErr(t, v.commit(), nil)
		w.wantStored("session-1", "tombstone")
	})
	bubble(t, "RevokeEverything: nothing is saved afterwards", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		epoch := int64(0)
		l.e.Lifetimes.Epoch = func() int64 { return epoch }
		x := l.appends("x")
		y := l.appends("y", again(func() { epoch = 1 }))
		l.release()
		wantDone(t, records.ErrTombstone, x, y)
		l.wantGroupSaves(0)
	})
}

// A Refresh of another goroutine of the request has met what is stored meanwhile.
func TestRefreshWhileTheCommitWaits(t *testing.T) {
	bubble(t, "is not undone when the group is not saved", func(t *testing.T) {
		l := newLine(t, txn.LevelMerge)
		l.appends("w")
		v := l.visit(first)
		v.appends("n", "x")
		done := make(chan error, 1)
		go func() { done <- v.save() }()
		synctest.Wait()
		l.hook(func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			l.put(first, with(l.get(first), "b", "fresh"))
			v.Adopt(first, "b", l.get(first))
			return provider.ErrRefused
		})
		l.release()
		wantErr(t, <-done, records.ErrUnavailable)
		if got := v.get("b"); got != "fresh" {
			t.Errorf("b=%q, want what Refresh has returned", got)
		}
		if got := v.get("n"); got != "x" {
			t.Errorf("n=%q, which has what was not saved", got)
		}
	})
}
