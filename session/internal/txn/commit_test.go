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
		if life := time.Until(w.get(first).Expires); life != 10*day {
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

func TestAutomaticTouch(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		elapsed time.Duration
		setUp   func(w *world, v *visit)
		saves   int64
	}{
		{"not before TouchInterval", limits.TouchInterval - time.Second, nil, 0},
		{"after TouchInterval", limits.TouchInterval, nil, 1},
		{"not by a passive request", limits.TouchInterval, func(_ *world, v *visit) { v.req.passive = true }, 0},
		{"not if it would be too large", limits.TouchInterval, func(w *world, _ *visit) { w.e.MaxSize = 1 }, 0},
		{"once in a request, also if it fails", limits.TouchInterval, func(w *world, _ *visit) { w.onSave = []saveHook{failing(errBroken)} }, 1},
	} {
		bubble(t, tc.rule, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			elapse(tc.elapsed)
			if tc.setUp != nil {
				tc.setUp(w, v)
			}
			v.get("a")
			wantErr(t, v.commit(), nil)
			wantErr(t, v.commit(), nil)
			w.wantSaves(tc.saves)
		})
	}
	bubble(t, "is logged if it fails", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		elapse(limits.TouchInterval)
		w.onSave = []saveHook{failing(errBroken)}
		wantErr(t, v.commit(), nil)
		w.wantLog("not extended")
		if got := w.ops(); got != "touch first 1 true" {
			t.Errorf("observed: %s", got)
		}
	})
	bubble(t, "not by Save", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		elapse(limits.TouchInterval)
		wantErr(t, v.save(), nil)
		w.wantSaves(0)
	})
	bubble(t, "another's is as good", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		elapse(limits.TouchInterval)
		w.onSave = []saveHook{before(func() { w.other(func(v *visit) { v.set("b", "2") }) })}
		wantErr(t, v.commit(), nil)
		if got := w.log.String(); got != "" {
			t.Errorf("log: %s", got)
		}
		w.wantStored(first, "a=1 b=2")
	})
	bubble(t, "one at a time", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		elapse(limits.TouchInterval)
		w.onSave = []saveHook{before(func() { w.other(func(v *visit) { v.get("a") }) })}
		wantErr(t, v.commit(), nil)
		w.wantSaves(1)
	})
	bubble(t, "lists an owner's session again", func(t *testing.T) {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, owned(content("a=1"), "ann"))
		v := w.visit(first)
		elapse(limits.TouchInterval)
		wantErr(t, v.commit(), nil)
		if c := w.get(listOf("ann")); c == nil || c.Entries.Len() != 1 {
			t.Error("not listed")
		}
	})
}

func TestTouch(t *testing.T) {
	bubble(t, "extends the session as it is stored", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("a", "3")
		w.other(func(v *visit) { v.set("b", "2") })
		v.End()
		v = w.visit(first)
		wantErr(t, v.Touch(t.Context()), nil)
		w.wantSaves(1) // the other's: nothing is due
		elapse(limits.TouchInterval)
		wantErr(t, v.Touch(t.Context()), nil)
		if c := w.get(first); text(c) != "a=1 b=2" || !v.Base().Expires.Equal(records.Now().Add(time.Hour)) || !c.Expires.Equal(v.Base().Expires) {
			t.Errorf("%q expires %v, the request knows of %v", text(c), c.Expires, v.Base().Expires)
		}
	})
	bubble(t, "on top of another's change leaves what the request sees", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		w.other(func(v *visit) { v.set("a", "2") })
		elapse(limits.TouchInterval)
		wantErr(t, v.Touch(t.Context()), nil)
		if v.get("a") != "1" || !v.Base().Expires.Equal(records.Now().Add(time.Hour)) {
			t.Errorf("a=%s, expires %v", v.get("a"), v.Base().Expires)
		}
		v.pop("a")
		wantErr(t, v.commit(), txn.ErrConflict)
	})
	bubble(t, "again after a conflict", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		elapse(limits.TouchInterval)
		w.onSave = []saveHook{before(func() {
			w.put(first, owned(w.get(first), "ann")) // not a use of it
		})}
		wantErr(t, v.Touch(t.Context()), nil)
		if c := w.get(first); c.Owner != "ann" {
			t.Errorf("owner %q", c.Owner)
		}
	})
	for _, tc := range []struct {
		rule  string
		setUp func(w *world)
		err   error
	}{
		{"of a session that is gone", func(w *world) { w.erase(first) }, records.ErrEnded},
		{"of one that was destroyed", func(w *world) { w.other(func(v *visit) { v.Destroy() }) }, records.ErrEnded},
		{"with a store that fails", func(w *world) {
			w.via.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
				return nil, provider.ErrUnreadable
			}
		}, records.ErrUnreadable},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			tc.setUp(w)
			wantErr(t, v.Touch(t.Context()), tc.err)
			wantErr(t, v.Check(t.Context()), tc.err)
		})
	}
	bubble(t, "of one that goes while it is saved", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		elapse(limits.TouchInterval)
		w.onSave = []saveHook{func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			w.erase(first)
			return errBroken
		}}
		wantErr(t, v.Touch(t.Context()), records.ErrOutcomeUnknown)
	})
	t.Run("of one that is not stored", func(t *testing.T) {
		v := newWorld(t, txn.LevelMerge).visit("")
		wantErr(t, v.Touch(t.Context()), records.ErrEnded)
		wantErr(t, v.Check(t.Context()), records.ErrEnded)
	})
	t.Run("Check of one that goes on", func(t *testing.T) {
		_, v := begun(t, txn.LevelMerge)
		wantErr(t, v.Check(t.Context()), nil)
	})
}
