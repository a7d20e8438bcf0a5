package txn_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

func TestChangeAfterTheRequest(t *testing.T) {
	for _, verb := range []action{
		{"Set", func(v *visit) { v.set("a", "3") }},
		{"Delete", func(v *visit) { v.Delete("a", false) }},
		{"Pop", func(v *visit) {
			if v.pop("a") {
				v.w.t.Error("it was taken")
			}
		}},
		{"Update", func(v *visit) { v.update("a", func() { v.w.t.Error("the closure ran") }) }},
		{"GetOrSet", func(v *visit) { v.getOrSet("n", "3") }},
		{"a value that cannot be encoded", func(v *visit) { v.FailEncoding("Set", "a", txn.ErrEncode) }},
		{"Clear", func(v *visit) { v.Clear() }},
		{"Renew", func(v *visit) { v.Renew() }},
		{"Destroy", func(v *visit) { v.Destroy() }},
		{"Persist", func(v *visit) { v.Persist(day) }},
		{"SetOwner", func(v *visit) { v.SetOwner("ann") }},
	} {
		t.Run(verb.name, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			v.End()
			verb.do(v)
			w.wantLog("its request is over")
			if v.get("a") != "1" || v.Unsaved() {
				t.Errorf("a=%s, unsaved: %v", v.get("a"), v.Unsaved())
			}
			wantErr(t, v.save(), txn.ErrRequestDone)
			wantErr(t, v.commit(), txn.ErrRequestDone)
			err := v.Run(t.Context(), func() error { t.Error("the closure of Run ran"); return nil })
			wantErr(t, err, txn.ErrRequestDone)
			w.wantStored(first, "a=1 b=1")
			w.wantSaves(0)
		})
	}
}

func TestEnd(t *testing.T) {
	for _, tc := range []struct {
		rule string
		do   func(w *world, v *visit)
		err  error
		text string // in the error
		log  bool
	}{
		{"without a change", func(_ *world, v *visit) { v.get("a") }, nil, "", false},
		{"after all is saved", func(_ *world, v *visit) { v.set("a", "3"); wantErr(v.w.t, v.commit(), nil) }, nil, "", false},
		{"drops a change that nobody commits", func(_ *world, v *visit) { v.set("a", "3") }, txn.ErrRequestDone, "goroutine", true},
		{"drops a value that cannot be encoded", func(_ *world, v *visit) { v.FailEncoding("Set", "a", txn.ErrEncode) }, txn.ErrRequestDone, "", true},
		{"drops a Destroy", func(_ *world, v *visit) { v.Destroy() }, txn.ErrRequestDone, "", true},
		{"tells why the request commits no more", func(_ *world, v *visit) {
			v.set("a", "3")
			v.req.dropReason = "the handler panicked"
		}, txn.ErrRequestDone, "the handler panicked", true},
		{"tells of a Save that has failed, without a log: the handler knows", func(w *world, v *visit) {
			v.set("a", "3")
			w.onSave = []saveHook{failing(provider.ErrRefused)}
			wantErr(w.t, v.save(), records.ErrUnavailable)
		}, txn.ErrRequestDone, "has failed", false},
		{"tells of a commit that has failed", func(w *world, v *visit) {
			v.set("a", "3")
			w.onSave = []saveHook{failing(provider.ErrRefused)}
			wantErr(w.t, v.commit(), records.ErrUnavailable)
		}, records.ErrUnavailable, "", false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			tc.do(w, v)
			saves := w.via.Saves.Load()
			v.End()
			err := v.save()
			wantErr(t, err, tc.err)
			if err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
			if logged := w.log.Len() > 0; logged != tc.log {
				t.Errorf("log: %s", w.log.String())
			}
			w.wantSaves(saves)
		})
	}
	t.Run("leaves the session readable, and a Run possible", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.End()
		w.other(func(v *visit) { v.set("b", "2") })
		if v.get("a") != "1" {
			t.Errorf("a=%s", v.get("a"))
		}
		wantErr(t, v.Run(t.Context(), func() error { v.set("a", v.get("b")+"3"); return nil }), nil)
		w.wantStored(first, "a=23 b=2")
	})
	t.Run("a Run after it that fails leaves nothing behind", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.End()
		w.onSave = []saveHook{failing(provider.ErrRefused)}
		run := func() error { return v.Run(t.Context(), func() error { v.set("a", "3"); return nil }) }
		wantErr(t, run(), records.ErrUnavailable)
		wantErr(t, v.save(), nil)
		wantErr(t, run(), nil)
		w.wantStored(first, "a=3 b=1")
	})
	t.Run("is told to the Observer", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		v.End()
		wantErr(t, v.save(), txn.ErrRequestDone)
		if got := w.ops(); got != "save first 1 true" {
			t.Errorf("observed: %s", got)
		}
	})
	t.Run("lets a Save that runs finish", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			v.set("a", "3")
			w.onSave = []saveHook{before(func() { v.End() })}
			wantErr(t, v.save(), nil)
			w.wantStored(first, "a=3 b=1")
			wantErr(t, v.save(), nil)
			v.set("b", "4")
			wantErr(t, v.save(), txn.ErrRequestDone)
		})
	})
	t.Run("drops what was changed while a Save ran", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.onSave = []saveHook{before(func() {
			v.set("b", "4")
			v.End()
		})}
		wantErr(t, v.save(), nil)
		if v.Unsaved() {
			t.Error("it is not dropped")
		}
		w.wantLog("changes dropped")
		wantErr(t, v.save(), txn.ErrRequestDone)
		w.wantStored(first, "a=3 b=1")
	})
	bubble(t, "leaves the queue", func(t *testing.T) {
		_, v := queued(t, true)
		v.End()
		if busy(t) {
			t.Error("it has a place in the queue")
		}
	})
}

// queued returns a visit whose commit has queued up after one conflict, and has ended by
// another one.
func queued(t *testing.T, runsAgain bool) (*world, *visit) {
	w, v := begun(t, txn.LevelMerge)
	v.req.runsAgain = runsAgain
	v.pop("a")
	w.onSave = []saveHook{
		before(func() { w.other(func(v *visit) { v.set("b", "2") }) }), pass,
		before(func() { w.other(func(v *visit) { v.set("a", "2") }) }),
	}
	wantErr(t, v.commit(), txn.ErrConflict)
	return w, v
}

func TestPlaceInTheQueueIsKeptForTheNextRunAlone(t *testing.T) {
	for _, runsAgain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			queued(t, runsAgain)
			if got := busy(t); got != runsAgain {
				t.Errorf("runs again: %v, in the queue: %v", runsAgain, got)
			}
		})
	}
}

func TestDetached(t *testing.T) {
	w := newWorld(t, txn.LevelMerge)
	w.put(first, content("a=1"))
	v := &visit{w: w, req: &request{ctx: t.Context()}}
	v.BeginDetached(&w.e, v.req, first, w.get(first))
	wantErr(t, v.Run(t.Context(), func() error { v.set("a", "3"); return nil }), nil)
	w.wantStored(first, "a=3")
	v.set("a", "4")
	wantErr(t, v.save(), txn.ErrRequestDone)

	gone := &visit{w: w, req: &request{ctx: t.Context()}}
	gone.BeginDetached(&w.e, gone.req, "gone", nil)
	err := gone.Run(t.Context(), func() error { t.Error("the closure ran"); return nil })
	wantErr(t, err, records.ErrEnded)
}

func TestMayRunAgain(t *testing.T) {
	for _, tc := range []struct {
		name       string
		do         func(v *visit)
		safe, said bool // without and with a word that another run is harmless
	}{
		{"nothing", func(*visit) {}, true, true},
		{"a change", func(v *visit) { v.set("a", "3") }, true, true},
		{"a Pop", func(v *visit) { v.pop("a") }, false, true},
		{"a Pop of what may be lost", func(v *visit) { v.Pop("a", value("1"), true) }, true, true},
		{"a Renew", func(v *visit) { v.Renew() }, false, true},
		{"a Destroy", func(v *visit) { v.Destroy() }, false, true},
		{"a Save", func(v *visit) { v.set("a", "3"); wantErr(v.w.t, v.save(), nil) }, false, false},
		{"a Save of nothing", func(v *visit) { v.set("a", "1"); wantErr(v.w.t, v.save(), nil) }, true, true},
		{"a Destroy that is saved", func(v *visit) { v.Destroy(); wantErr(v.w.t, v.save(), nil) }, false, false},
		{"the end", func(v *visit) { v.End() }, false, false},
	} {
		for _, loaded := range []bool{false, true} {
			_, v := begun(t, txn.LevelMerge)
			var at *txn.Savepoint
			if loaded {
				at = v.Savepoint()
			}
			tc.do(v)
			if got := v.MayRunAgain(at, true); got != tc.safe {
				t.Errorf("after %s: %v where nobody has said so, want %v", tc.name, got, tc.safe)
			}
			if got := v.MayRunAgain(at, false); got != tc.said {
				t.Errorf("after %s: %v, want %v", tc.name, got, tc.said)
			}
		}
	}
	t.Run("what was done before the handler does not count", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		v.set("b", "2")
		wantErr(t, v.save(), nil)
		v.pop("a")
		v.Renew()
		if !v.MayRunAgain(v.Savepoint(), true) {
			t.Error("it may not")
		}
	})
	t.Run("not after a Destroy before the handler", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		v.Destroy()
		if v.MayRunAgain(v.Savepoint(), false) {
			t.Error("it may")
		}
	})
}

// conflicted returns a visit whose commit has met a conflict: before the savepoint it
// has done one thing, and another after it.
func conflicted(t *testing.T, before func(v *visit)) (*world, *visit, *txn.Savepoint) {
	w, v := begun(t, txn.LevelMerge)
	v.req.runsAgain = true
	before(v)
	at := v.Savepoint()
	v.set("a", v.get("a")+"3")
	v.set("n", "of the run that is undone")
	w.other(func(v *visit) { v.set("a", "2"); v.set("b", "2") })
	wantErr(t, v.commit(), txn.ErrConflict)
	return w, v, at
}

func TestRewind(t *testing.T) {
	bubble(t, "puts the session back, on the newest content", func(t *testing.T) {
		w, v, at := conflicted(t, func(v *visit) { v.set("c", "3") })
		wantErr(t, v.Rewind(t.Context(), at), nil)
		if v.get("a") != "2" || v.get("n") != "" || v.get("c") != "3" {
			t.Errorf("a=%s n=%s c=%s", v.get("a"), v.get("n"), v.get("c"))
		}
		v.set("a", v.get("a")+"3")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=23 b=2 c=3")
	})
	bubble(t, "to its load, where it was loaded in the handler", func(t *testing.T) {
		w, v, _ := conflicted(t, func(*visit) {})
		wantErr(t, v.Rewind(t.Context(), nil), nil)
		v.set("a", v.get("a")+"3")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=23 b=2")
	})
	bubble(t, "several times to the same savepoint", func(t *testing.T) {
		w, v, at := conflicted(t, func(v *visit) { v.set("c", "3") })
		for range 3 {
			wantErr(t, v.Rewind(t.Context(), at), nil)
			v.set("c", "4")
			v.set("a", v.get("a")+"3")
			w.other(func(v *visit) { v.update("a") })
			wantErr(t, v.commit(), txn.ErrConflict)
		}
		wantErr(t, v.Rewind(t.Context(), at), nil)
		if v.get("c") != "3" {
			t.Errorf("c=%s", v.get("c"))
		}
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=2!!! b=2 c=3")
	})
	for _, tc := range []struct {
		rule   string
		before func(v *visit)
		err    error
	}{
		{"not where code around the handler has read what has changed", func(v *visit) { v.get("b") }, txn.ErrConflict},
		{"not where it has read what the handler conflicts on", func(v *visit) { v.get("a") }, txn.ErrConflict},
		{"also where it has read what has not changed", func(v *visit) { v.get("m") }, nil},
		{"also where it has listed the keys, and they are the same", func(v *visit) { v.Keys() }, nil},
		{"also where an Update of its own has read it", func(v *visit) { v.update("b") }, nil},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			_, v, at := conflicted(t, tc.before)
			wantErr(t, v.Rewind(t.Context(), at), tc.err)
		})
	}
	bubble(t, "not where code around the handler has listed the keys, which have changed", func(t *testing.T) {
		w, v, at := conflicted(t, func(v *visit) { v.Keys() })
		w.other(func(v *visit) { v.set("m", "2") })
		wantErr(t, v.Rewind(t.Context(), at), txn.ErrConflict)
	})
	bubble(t, "not where the session is gone", func(t *testing.T) {
		w, v, at := conflicted(t, func(*visit) {})
		w.other(func(v *visit) { v.Destroy() })
		wantErr(t, v.Rewind(t.Context(), at), records.ErrEnded)
	})
	for rule, outside := range map[string]bool{
		"remembers what code around the handler has read, where the handler destroys the session": true,
		"remembers what the handler has read before it destroyed the session":                     false,
	} {
		bubble(t, rule, func(t *testing.T) {
			w, v := begun(t, txn.LevelStrict)
			if outside {
				v.get("b")
			}
			at := v.Savepoint()
			if !outside {
				v.get("b")
			}
			v.Destroy()
			w.other(func(v *visit) { v.set("c", "2") })
			wantErr(t, v.commit(), txn.ErrConflict)
			wantErr(t, v.Rewind(t.Context(), at), nil)
			w.other(func(v *visit) { v.Destroy() })
			v.Destroy()
			v.set("c", "3")
			wantErr(t, v.commit(), records.ErrEnded)
		})
	}
	bubble(t, "keeps the place in the queue until the request leaves it", func(t *testing.T) {
		_, v, at := conflicted(t, func(*visit) {})
		wantErr(t, v.Rewind(t.Context(), at), nil)
		if !busy(t) {
			t.Error("no place in the queue")
		}
		v.LeaveQueue()
		if busy(t) {
			t.Error("it has not left the queue")
		}
	})
	bubble(t, "keeps the place for Timeout at most", func(t *testing.T) {
		_, v, at := conflicted(t, func(*visit) {})
		wantErr(t, v.Rewind(t.Context(), at), nil)
		elapse(timeout + time.Second)
		if busy(t) {
			t.Error("it has not left the queue")
		}
	})
}
