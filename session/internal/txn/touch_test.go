package txn_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

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
		w.wantLog("not extended or rotated")
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
