package txn_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

func TestDestroy(t *testing.T) {
	t.Run("ends the session and clears the cookie", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, content("a=1"))
		w.other(func(v *visit) { v.SetOwner("ann") })
		v := w.visit(first)
		v.Destroy()
		if !v.Began() || v.get("a") != "" || v.PublicID() != "" || !v.Unsaved() {
			t.Error("something is left of it")
		}
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "tombstone")
		if v.req.cleared != 1 || v.Unsaved() || w.get(first).Outside {
			t.Errorf("cleared %d times, unsaved: %v", v.req.cleared, v.Unsaved())
		}
		if n := w.get(listOf("ann")).Entries.Len(); n != 0 {
			t.Errorf("%d entries", n)
		}
	})
	t.Run("after the header is from outside: no response clears the cookie", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Destroy()
		v.req.headerSent = true
		wantErr(t, v.commit(), nil)
		if !w.get(first).Outside {
			t.Error("the tombstone tells of a response")
		}
	})
	t.Run("of what is not stored clears the cookie alone", func(t *testing.T) {
		for _, sent := range []bool{false, true} {
			w := newWorld(t, txn.LevelMerge)
			v := w.visit("")
			v.req.hasCookie = sent
			v.set("a", "1")
			v.Destroy()
			wantErr(t, v.commit(), nil)
			if (v.req.cleared == 1) != sent || w.via.Trips() != 0 {
				t.Errorf("sent: %v, cleared %d times, %d trips", sent, v.req.cleared, w.via.Trips())
			}
		}
	})
	t.Run("leaves the cookie of a tombstone, which may be its successor's", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, records.Tombstone(content("a=1"), "", false))
		v := w.visit(first)
		v.Destroy()
		wantErr(t, v.commit(), nil)
		if v.req.cleared != 0 {
			t.Errorf("cleared %d times", v.req.cleared)
		}
	})
	t.Run("twice is once", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Destroy()
		v.Destroy()
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "tombstone")
		w.wantSaves(1)
	})
	t.Run("begins a new session with what is set after it", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Destroy()
		v.set("c", "3")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "tombstone")
		w.wantStored("session-1", "c=3")
	})
	t.Run("while the session is being saved ends it at the next commit", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.onSave = []saveHook{before(func() { v.Destroy() })}
		wantErr(t, v.save(), nil)
		w.wantStored(first, "a=3 b=1")
		wantErr(t, v.save(), nil)
		w.wantStored(first, "tombstone")
	})
	t.Run("after a Pop, where it is unknown who has ended the session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.pop("a")
		v.Destroy()
		w.onSave = []saveHook{func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			w.erase(first)
			return errBroken
		}}
		wantErr(t, v.commit(), records.ErrOutcomeUnknown)
	})
	t.Run("of a session whose codec is not known", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, content("a=1"))
		for _, end := range []func(v *visit){
			func(v *visit) { v.Destroy() },
			func(v *visit) { v.Renew(); v.set("c", "3") },
		} {
			w.put(first, content("a=1"))
			v := &visit{w: w, req: &request{ctx: t.Context(), hasCookie: true}}
			v.BeginBeside(&w.e, v.req, []byte("token of first"), first, w.get(first))
			if v.get("a") != "" || !v.Began() {
				t.Error("it is served")
			}
			end(v)
			wantErr(t, v.commit(), nil)
			w.wantStored(first, "tombstone")
		}
		w.put(first, content("a=1"))
		v := &visit{w: w, req: &request{ctx: t.Context(), hasCookie: true}}
		v.BeginBeside(&w.e, v.req, []byte("token of first"), first, w.get(first))
		v.set("c", "3")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1")
	})
}

// Several live sessions came with the request.
func TestRivals(t *testing.T) {
	rivals := func(t *testing.T) (*world, *visit) {
		w := newWorld(t, txn.LevelMerge)
		w.put("one", owned(content("a=1"), "ann"))
		w.put("two", content("a=2"))
		v := w.visit("")
		v.SetRivals([]txn.Rival{{ID: "one", Content: w.get("one")}, {ID: "two", Content: w.get("two")}})
		return w, v
	}
	t.Run("end before another is stored", func(t *testing.T) {
		w, v := rivals(t)
		v.set("c", "3")
		wantErr(t, v.commit(), nil)
		w.wantStored("one", "tombstone")
		w.wantStored("two", "tombstone")
		w.wantStored("session-1", "c=3")
		if v.req.clearedOthers == 0 {
			t.Error("their cookies stay")
		}
	})
	t.Run("end by Destroy", func(t *testing.T) {
		w, v := rivals(t)
		v.Destroy()
		if !v.Unsaved() {
			t.Error("nothing is left to do")
		}
		wantErr(t, v.commit(), nil)
		w.wantStored("one", "tombstone")
		w.wantStored("two", "tombstone")
	})
	t.Run("that cannot be ended fail the Destroy", func(t *testing.T) {
		w, v := rivals(t)
		v.Destroy()
		w.onSave = []saveHook{failing(provider.ErrRefused)}
		wantErr(t, v.commit(), records.ErrUnavailable)
		w.wantStored("one", "a=1")
		if v.req.cleared != 0 {
			t.Errorf("cleared %d times", v.req.cleared)
		}
	})
	t.Run("stay without a change", func(t *testing.T) {
		w, v := rivals(t)
		v.get("a")
		wantErr(t, v.commit(), nil)
		w.wantStored("one", "a=1")
	})
	t.Run("stay where the new session cannot be stored", func(t *testing.T) {
		w, v := rivals(t)
		v.set("c", strings.Repeat("x", 1000))
		wantErr(t, v.save(), records.ErrTooLarge)
		v.set("c", "3")
		v.req.headerSent = true
		wantErr(t, v.save(), txn.ErrHeaderSent)
		w.wantStored("one", "a=1")
	})
	t.Run("that cannot be ended fail the commit, and the next goes on there", func(t *testing.T) {
		w, v := rivals(t)
		v.set("c", "3")
		w.onSave = []saveHook{pass, failing(provider.ErrRefused)}
		err := v.save()
		if !errors.Is(err, records.ErrUnavailable) || errors.Is(err, records.ErrOutcomeUnknown) {
			t.Errorf("%v", err)
		}
		w.wantStored("one", "tombstone")
		w.wantStored("session-1", "nothing")
		n := w.via.Saves.Load()
		wantErr(t, v.save(), nil)
		w.wantStored("two", "tombstone")
		w.wantSaves(n + 2)
	})
}
