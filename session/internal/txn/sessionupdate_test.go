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

func TestRun(t *testing.T) {
	t.Run("changes the newest session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "5")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", v.get("a")+"3"); return nil }), nil)
		w.wantStored(first, "a=23 b=5")
	})
	t.Run("runs the closure again after a conflict, and undoes what it did", func(t *testing.T) {
		for name, level := range levels {
			w, v := begun(t, level)
			runs := 0
			err := v.Run(t.Context(), func() error {
				if runs++; runs <= 3 {
					w.other(func(v *visit) { v.update("a") })
					v.set("n", "from an earlier run")
				}
				v.set("a", v.get("a")+"3")
				return nil
			})
			if err != nil || runs != 4 {
				t.Errorf("%s: %d runs, %v", name, runs, err)
			}
			w.wantStored(first, "a=1!!!3 b=1")
			if got := withoutOthers(w); got != "replay first 1 false, replay first 2 false, replay first 3 false, save first 1 false" {
				t.Errorf("%s: observed %s", name, got)
			}
		}
	})
	t.Run("runs it again, also where the changes would merge", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("b", "2") })
			}
			v.set("a", "3")
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(first, "a=3 b=2")
	})
	t.Run("saves nothing of a closure that fails", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "5")
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", "3"); v.Renew(); return errNo }), errNo)
		w.wantSaves(0)
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1 b=5")
	})
	t.Run("undoes a closure that panics", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		func() {
			defer func() { _ = recover() }()
			_ = v.Run(t.Context(), func() error { v.set("a", "3"); panic("closure") })
		}()
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1 b=1")
		wantErr(t, v.Run(t.Context(), func() error { return nil }), nil)
	})
	t.Run("does not run the closure on a session that is gone", func(t *testing.T) {
		for _, other := range []func(w *world){
			func(w *world) { w.erase(first) },
			func(w *world) { w.other(func(v *visit) { v.Destroy() }) },
		} {
			w, v := begun(t, txn.LevelMerge)
			other(w)
			err := v.Run(t.Context(), func() error { t.Error("it ran"); return nil })
			wantErr(t, err, records.ErrEnded)
			wantErr(t, v.save(), records.ErrEnded)
		}
	})
	t.Run("does not run it where what was read before has changed", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", v.get("a"))
		v.pop("b")
		w.other(func(v *visit) { v.set("b", "2") })
		err := v.Run(t.Context(), func() error { t.Error("it ran"); return nil })
		wantErr(t, err, txn.ErrConflict)
	})
	t.Run("renews an empty session where another has ended it first", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.Renew() })
			}
			v.Renew()
			v.set("c", "3")
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(v.PublicID(), "c=3")
		w.wantStored("session-1", "a=1 b=1") // the other's
	})
	t.Run("is ErrEnded where the run before has seen something of the session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.Renew() })
				v.get("a")
			}
			v.Renew()
			return nil
		})
		wantErr(t, err, records.ErrEnded)
		if runs != 1 {
			t.Errorf("%d runs", runs)
		}
	})
	t.Run("runs the closure again that destroys the session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("b", "2") })
			}
			if v.get("b") == "1" {
				v.Destroy()
			}
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(first, "a=1 b=2")
	})
	t.Run("needs no second run to destroy what was destroyed before it", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Destroy()
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("b", "2") })
			}
			return nil
		})
		if err != nil || runs != 1 {
			t.Errorf("%d runs, %v", runs, err)
		}
		w.wantStored(first, "tombstone")
	})
	bubble(t, "gives up after many runs", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			runs++
			w.other(func(v *visit) { v.update("a") })
			v.set("a", "3")
			return nil
		})
		wantErr(t, err, records.ErrUnavailable)
		if runs < 16 {
			t.Errorf("%d runs", runs)
		}
		wantErr(t, v.commit(), nil)
		if got := text(w.get(first)); got == "a=3 b=1" {
			t.Errorf("stored: %q", got)
		}
	})
	bubble(t, "queues up for a second run, and leaves the queue", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		err := v.Run(t.Context(), func() error {
			if runs++; runs == 1 {
				w.other(func(v *visit) { v.set("a", "2") })
			} else if !busy(t) {
				t.Error("it has no place in the queue")
			}
			v.set("a", "3")
			return nil
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
		if busy(t) {
			t.Error("it has not left the queue")
		}
	})
	bubble(t, "waits for another Save, which cannot be inside of it", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		start := time.Now()
		err := v.Run(t.Context(), func() error {
			v.set("a", "3")
			wantErr(t, v.save(), records.ErrUnavailable)
			return nil
		})
		if took := time.Since(start); err != nil || took != 2*timeout {
			t.Errorf("%v after %v", err, took)
		}
	})
	bubble(t, "waits for another Run, which cannot be inside of it", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		err := v.Run(t.Context(), func() error {
			return v.Run(t.Context(), func() error { t.Error("the inner one ran"); return nil })
		})
		wantErr(t, err, records.ErrUnavailable)
	})
	bubble(t, "goes on once the other Save has ended", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "5")
		w.onSave = []saveHook{before(func() { elapse(time.Second) })}
		done := make(chan error)
		go func() { done <- v.save() }()
		synctest.Wait()
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", "3"); return nil }), nil)
		wantErr(t, <-done, nil)
		w.wantStored(first, "a=3 b=5")
	})
	t.Run("fails with the store, and undoes nothing that may be saved", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.via.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			return nil, provider.ErrUnreadable
		}
		err := v.Run(t.Context(), func() error { t.Error("it ran"); return nil })
		wantErr(t, err, records.ErrUnreadable)
	})
}
