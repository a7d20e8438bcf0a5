package txn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

func TestNewSession(t *testing.T) {
	t.Run("is stored with its cookie", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		v := w.visit("")
		if !v.Began() || v.PublicID() != "" || v.Unsaved() {
			t.Errorf("began: %v, ID %q, unsaved: %v", v.Began(), v.PublicID(), v.Unsaved())
		}
		v.set("a", "1")
		if !v.Unsaved() {
			t.Error("a change is not unsaved")
		}
		wantErr(t, v.commit(), nil)
		w.wantStored("session-1", "a=1")
		if v.PublicID() != "session-1" || !slices.Equal(v.req.cookies, []string{"signed token-1"}) || v.req.persist != 0 || v.Unsaved() {
			t.Errorf("ID %q, cookies %q, unsaved: %v", v.PublicID(), v.req.cookies, v.Unsaved())
		}
		if _, vanished := w.e.Records.Vanished("session-1"); !vanished {
			t.Error("it is not known to have been created")
		}
		v.set("a", "2")
		wantErr(t, v.commit(), nil)
		w.wantStored("session-1", "a=2")
		if len(v.req.cookies) != 1 {
			t.Errorf("cookies %q", v.req.cookies)
		}
	})
	t.Run("is not stored without a change", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		v := w.visit("")
		v.get("a")
		v.Delete("a", false)
		v.Clear()
		v.Persist(day)
		wantErr(t, v.commit(), nil)
		wantErr(t, v.save(), nil)
		v.End()
		wantErr(t, v.save(), nil)
		if n := w.via.Trips(); n != 0 || v.req.cookies != nil {
			t.Errorf("%d trips, cookies %q", n, v.req.cookies)
		}
	})
	t.Run("has another ID after an unknown outcome", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		v := w.visit("")
		v.set("a", "1")
		w.onSave = []saveHook{failing(errBroken), failing(errBroken)}
		wantErr(t, v.commit(), nil)
		w.wantStored("session-3", "a=1")
		if v.PublicID() != "session-3" {
			t.Errorf("ID %q", v.PublicID())
		}
	})
	t.Run("is given up after four", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		v := w.visit("")
		v.set("a", "1")
		w.onSave = slices.Repeat([]saveHook{failing(errBroken)}, 4)
		wantErr(t, v.commit(), records.ErrOutcomeUnknown)
		w.wantSaves(4)
		if v.req.cookies != nil {
			t.Errorf("cookies %q", v.req.cookies)
		}
	})
	for _, tc := range []struct {
		rule  string
		setUp func(w *world, v *visit)
		err   error
	}{
		{"not after the header", func(_ *world, v *visit) { v.req.headerSent = true }, txn.ErrHeaderSent},
		{"not without a signature", func(_ *world, v *visit) { v.req.signErr = errBroken }, records.ErrUnavailable},
		{"not if it is too large", func(_ *world, v *visit) { v.set("b", strings.Repeat("x", 1000)) }, records.ErrTooLarge},
		{"not if a value cannot be encoded", func(_ *world, v *visit) { v.FailEncoding("Set", "b", txn.ErrEncode) }, txn.ErrEncode},
		{"not if the store refuses it", func(w *world, _ *visit) { w.onSave = []saveHook{failing(provider.ErrFull)} }, records.ErrUnavailable},
	} {
		t.Run("is stored: "+tc.rule, func(t *testing.T) {
			w := newWorld(t, txn.LevelMerge)
			v := w.visit("")
			v.set("a", "1")
			tc.setUp(w, v)
			wantErr(t, v.commit(), tc.err)
			w.wantStored("session-1", "nothing")
			if v.req.cookies != nil {
				t.Errorf("cookies %q", v.req.cookies)
			}
		})
	}
	t.Run("of an owner is listed only if it is stored", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		v := w.visit("")
		v.set("a", "1")
		v.SetOwner("ann")
		w.onSave = []saveHook{pass, failing(provider.ErrFull)}
		wantErr(t, v.save(), records.ErrUnavailable)
		if n := w.get(listOf("ann")).Entries.Len(); n != 0 {
			t.Errorf("%d entries", n)
		}
		wantErr(t, v.save(), nil)
		if n := w.get(listOf("ann")).Entries.Len(); n != 1 || v.Owner() != "ann" {
			t.Errorf("%d entries, owner %q", n, v.Owner())
		}
	})
}

func TestPersist(t *testing.T) {
	bubble(t, "sends the cookie again, and keeps the session", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Persist(10 * day)
		wantErr(t, v.commit(), nil)
		if !slices.Equal(v.req.cookies, []string{"signed token of first"}) || v.req.persist != 10*day {
			t.Errorf("cookies %q for %v", v.req.cookies, v.req.persist)
		}
		if life := time.Until(w.get(first).Expires.Std()); life != 10*day {
			t.Errorf("expires in %v", life)
		}
	})
	bubble(t, "of a new session", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		v := w.visit("")
		v.set("a", "1")
		v.Persist(10 * day)
		wantErr(t, v.commit(), nil)
		if v.req.persist != 10*day || len(v.req.cookies) != 1 {
			t.Errorf("cookies %q for %v", v.req.cookies, v.req.persist)
		}
	})
	t.Run("not after the header", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Persist(10 * day)
		v.req.headerSent = true
		wantErr(t, v.commit(), txn.ErrHeaderSent)
		w.wantSaves(0)
	})
}

func TestSetOwner(t *testing.T) {
	listed := func(w *world, owner string) int {
		if c := w.get(listOf(owner)); c != nil {
			return c.Entries.Len()
		}
		return 0
	}
	t.Run("lists the session under the owner, and no more under the one before", func(t *testing.T) {
		w, _ := begun(t, txn.LevelMerge)
		for _, owner := range []string{"ann", "bob", ""} {
			w.other(func(v *visit) {
				v.SetOwner(owner)
				if v.Owner() != owner {
					t.Errorf("owner %q", v.Owner())
				}
			})
			for _, each := range []string{"ann", "bob"} {
				if n := listed(w, each); (n == 1) != (each == owner) {
					t.Errorf("%d entries of %q while the session is that of %q", n, each, owner)
				}
			}
		}
	})
	t.Run("to what it is saves nothing", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.SetOwner("")
		wantErr(t, v.commit(), nil)
		w.wantSaves(0)
	})
	bubble(t, "is listed again by the first change in a while", func(t *testing.T) {
		w, _ := begun(t, txn.LevelMerge)
		w.other(func(v *visit) { v.SetOwner("ann") })
		w.erase(listOf("ann"))
		w.other(func(v *visit) { v.set("a", "2") })
		if n := listed(w, "ann"); n != 0 {
			t.Errorf("%d entries at once", n)
		}
		elapse(limits.TouchInterval)
		w.other(func(v *visit) { v.set("a", "3") })
		if n := listed(w, "ann"); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
	t.Run("enters before it saves", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.SetOwner("ann")
		w.onSave = []saveHook{pass, before(func() {
			if listed(w, "ann") != 1 {
				t.Error("not listed")
			}
		})}
		wantErr(t, v.commit(), nil)
	})
}

func TestCommitOfAStoredSession(t *testing.T) {
	t.Run("merges what others have changed", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		v.update("b")
		v.Delete("n", false)
		w.other(func(v *visit) { v.set("b", "2"); v.set("n", "2"); v.set("m", "2") })
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=3 b=2! m=2")
	})
	t.Run("merges by the key's own merge", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.get("a")
		v.Set("a", value("3"), false, merging())
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1/3/2 b=1")
	})
	t.Run("merges a second Set from where the first began", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Set("a", value("3"), false, merging())
		v.Set("a", value("4"), false, merging())
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1/4/2 b=1")
	})
	t.Run("does not merge into what does not decode", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		m := merging()
		m.Decodes = func(string, txn.Value) bool { return false }
		v.Set("a", value(v.get("a")+"3"), false, m)
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.commit(), txn.ErrConflict)
	})
	t.Run("a merge that fails", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		m := merging()
		m.Merge = func(_, _, _ txn.Value) (txn.Value, error) { return txn.Value{}, txn.ErrEncode }
		v.Set("a", value("3"), false, m)
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.commit(), txn.ErrEncode)
		w.wantStored(first, "a=2 b=1")
	})
	t.Run("clears what others add as well", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Clear()
		v.set("c", "3")
		w.other(func(v *visit) { v.set("n", "2") })
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "c=3")
	})
	t.Run("is done also if it has saved nothing", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "1")
		wantErr(t, v.save(), nil)
		w.other(func(v *visit) { v.set("a", "2") })
		v.set("b", "3")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=2 b=3")
		w.wantSaves(3) // the first meets a conflict
	})
	t.Run("by a conflict fails the later ones", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.pop("a")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.save(), txn.ErrConflict)
		if !v.HasReported() {
			t.Error("not reported")
		}
		v.set("b", "3")
		wantErr(t, v.save(), txn.ErrConflict)
		wantErr(t, v.Run(t.Context(), func() error { return nil }), txn.ErrConflict)
		w.wantStored(first, "a=2 b=1")
	})
	t.Run("by an error of the store does not fail a later Save", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.onSave = []saveHook{failing(provider.ErrRefused)}
		wantErr(t, v.save(), records.ErrUnavailable)
		if !v.HasReported() {
			t.Error("not reported")
		}
		wantErr(t, v.save(), nil)
		if v.HasReported() {
			t.Error("reported after it is saved")
		}
		w.wantStored(first, "a=3 b=1")
	})
	t.Run("as the response begins fails the later ones", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.onSave = []saveHook{failing(provider.ErrRefused)}
		wantErr(t, v.commit(), records.ErrUnavailable)
		wantErr(t, v.save(), records.ErrUnavailable)
		w.wantStored(first, "a=1 b=1")
	})
	t.Run("keeps what is changed meanwhile for the next", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.onSave = []saveHook{before(func() { v.set("b", "4") })}
		wantErr(t, v.save(), nil)
		w.wantStored(first, "a=3 b=1")
		wantErr(t, v.save(), nil)
		w.wantStored(first, "a=3 b=4")
	})
	t.Run("that has grown too large is not sent", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", strings.Repeat("x", 1000))
		wantErr(t, v.save(), records.ErrTooLarge)
		w.wantSaves(0)
		v.set("a", "3")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=3 b=1")
	})
	t.Run("that is gone does not make it anew", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.erase(first)
		err := v.commit()
		if !errors.Is(err, records.ErrEnded) || errors.Is(err, records.ErrTombstone) {
			t.Errorf("%v", err)
		}
		w.wantStored(first, "nothing")
	})
	t.Run("by an unknown outcome where the record is gone", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.onSave = []saveHook{func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			w.erase(first)
			return errBroken
		}}
		wantErr(t, v.commit(), records.ErrOutcomeUnknown)
		w.wantStored(first, "nothing")
	})
	t.Run("extends it unless the request is passive", func(t *testing.T) {
		for _, passive := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w, v := begun(t, txn.LevelMerge)
				expires := w.get(first).Expires
				elapse(30 * time.Minute)
				v.req.passive = passive
				v.set("a", "3")
				wantErr(t, v.commit(), nil)
				if got := w.get(first).Expires.Sub(expires); (got == 30*time.Minute) == passive {
					t.Errorf("passive: %v, extended by %v", passive, got)
				}
			})
		}
	})
}
