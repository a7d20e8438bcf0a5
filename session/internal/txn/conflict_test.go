package txn_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// action is what one request does to the session "a=1 b=1".
type action struct {
	name string
	do   func(v *visit)
}

// others are the columns of the table below.
var others = []action{
	{"sets a", func(v *visit) { v.set("a", "2") }},
	{"sets b", func(v *visit) { v.set("b", "2") }},
	{"adds n", func(v *visit) { v.set("n", "2") }},
	{"deletes a", func(v *visit) { v.Delete("a", false) }},
	{"clears", func(v *visit) { v.Clear() }},
	{"touches", func(v *visit) {
		elapse(limits.TouchInterval)
		if err := v.Touch(v.w.t.Context()); err != nil {
			v.w.t.Error(err)
		}
	}},
	{"renews", func(v *visit) { v.Renew() }},
	{"destroys", func(v *visit) { v.Destroy() }},
}

// conflicts says, for what a request does and for each of others in between, from which
// level on it is ErrConflict: M is LevelMerge, S LevelSerializable, T LevelStrict. A dot
// is no error at any level. E is ErrEnded at every level, e at LevelStrict.
var conflicts = []struct {
	action
	want string
}{
	{action{"Get a", func(v *visit) { v.get("a") }}, "........"},
	{action{"Set a", func(v *visit) { v.set("a", "3") }}, "TTTTT.EE"},
	{action{"Get a, Set a", func(v *visit) { v.set("a", v.get("a")+"3") }}, "MTTMM.EE"},
	{action{"Get b, Set a", func(v *visit) { v.set("a", v.get("b")+"3") }}, "TSTTS.EE"},
	{action{"Get n, which is absent, Set a", func(v *visit) { v.set("a", v.get("n")+"3") }}, "TTSTT.EE"},
	{action{"Get n, which is absent, Set n", func(v *visit) { v.set("n", v.get("n")+"3") }}, "TTMTT.EE"},
	{action{"Set a to what it is", func(v *visit) { v.set("a", "1") }}, "........"},
	{action{"Get a, Set a to what it is", func(v *visit) { v.set("a", v.get("a")) }}, "........"},

	{action{"Update a", func(v *visit) { v.update("a") }}, "TTTTT.EE"},
	{action{"Update a by b", func(v *visit) { v.update("a", func() { v.get("b") }) }}, "TTTTT.EE"},
	{action{"Update a by Keys", func(v *visit) { v.update("a", func() { v.Keys() }) }}, "TTTTT.EE"},
	{action{"Update a by Keys, Keys", func(v *visit) { v.update("a", func() { v.Keys() }); v.Keys() }}, "TTSSS.EE"},
	{action{"Update a by b, Get a", func(v *visit) { v.update("a", func() { v.get("b") }); v.get("a") }}, "SSTSS.EE"},
	{action{"Update a by b, Get b", func(v *visit) { v.update("a", func() { v.get("b") }); v.get("b") }}, "TSTTS.EE"},
	{action{"Update a by b, Set n", func(v *visit) { v.update("a", func() { v.get("b") }); v.set("n", "3") }}, "SSTSS.EE"},
	{action{"Update a, Get a", func(v *visit) { v.update("a"); v.get("a") }}, "STTSS.EE"},
	{action{"Get a, Update a", func(v *visit) { v.get("a"); v.update("a") }}, "STTSS.EE"},

	{action{"GetOrSet a", func(v *visit) { v.getOrSet("a", "3") }}, "........"},
	{action{"GetOrSet n, which is absent", func(v *visit) { v.getOrSet("n", "3") }}, "TTMTT.EE"},
	{action{"Update a, GetOrSet a", func(v *visit) { v.update("a"); v.getOrSet("a", "3") }}, "MTTMM.EE"},

	{action{"Pop a", func(v *visit) { v.pop("a") }}, "MTTMM.EE"},
	{action{"Pop n, which is absent", func(v *visit) { v.pop("n") }}, "........"},
	{action{"Delete a", func(v *visit) { v.Delete("a", false) }}, "TTTTT.EE"},
	{action{"Get a, Delete a", func(v *visit) { v.get("a"); v.Delete("a", false) }}, "MTTMM.EE"},
	{action{"Clear", func(v *visit) { v.Clear() }}, "TTTTT.EE"},
	{action{"Get a, Clear", func(v *visit) { v.get("a"); v.Clear() }}, "MTTMM.EE"},
	{action{"Clear, Get a", func(v *visit) { v.Clear(); v.get("a") }}, "TTTTT.EE"},
	{action{"Keys, Set a", func(v *visit) { v.set("a", strings.Join(v.Keys(), "")) }}, "TTSSS.EE"},

	{action{"Get a, Set a, which is LastWriteWins", func(v *visit) {
		old, _ := v.Get("a", true)
		v.Set("a", value(string(old.Data)+"3"), true, nil)
	}}, "TTTTT.EE"},
	{action{"Get a, Set a as one that is LastWriteWins", func(v *visit) {
		v.Set("a", value(v.get("a")+"3"), true, nil)
	}}, "STTSS.EE"},
	{action{"Get a, Set a, which has a merge", func(v *visit) {
		v.Set("a", value(v.get("a")+"3"), false, merging())
	}}, "STTMM.EE"},

	{action{"SetOwner", func(v *visit) { v.SetOwner("ann") }}, "TTTTT.EE"},
	{action{"Get a, SetOwner", func(v *visit) { v.get("a"); v.SetOwner("ann") }}, "STTSS.EE"},
	{action{"Renew", func(v *visit) { v.Renew() }}, "TTTTT..."},
	{action{"Get a, Renew", func(v *visit) { v.get("a"); v.Renew() }}, "STTSS.EE"},
	{action{"Destroy", func(v *visit) { v.Destroy() }}, "TTTTT..."},
	{action{"Get a, Destroy", func(v *visit) { v.get("a"); v.Destroy() }}, "STTSS..."},
	{action{"Pop a, Destroy", func(v *visit) { v.pop("a"); v.Destroy() }}, "MTTMM..E"},
}

// merging is a merge that names all three values.
func merging() *txn.Merge {
	return &txn.Merge{
		Merge: func(base, mine, theirs txn.Value) (txn.Value, error) {
			return value(string(base.Bytes()) + "/" + string(mine.Bytes()) + "/" + string(theirs.Bytes())), nil
		},
		Decodes: func(string, txn.Value) bool { return true },
	}
}

func TestConflicts(t *testing.T) {
	for name, level := range levels {
		t.Run(name, func(t *testing.T) {
			for _, row := range conflicts {
				for i, other := range others {
					t.Run(row.name+"; another "+other.name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							w, v := begun(t, level)
							row.do(v)
							w.other(other.do)
							there := text(w.get(first))
							err := v.commit()
							wantConflict(t, err, row.want[i], level)
							serial := level >= txn.LevelSerializable && !strings.Contains(row.name, "LastWriteWins")
							if got := text(w.get(first)); err == nil && serial && got != "tombstone" {
								wantSerial(t, got, row.action, other)
							}
							if errors.Is(err, txn.ErrConflict) {
								w.wantStored(first, there)
							}
						})
					})
				}
			}
		})
	}
}

// wantConflict checks err against a cell of the table.
func wantConflict(t *testing.T, err error, cell byte, level txn.Isolation) {
	t.Helper()
	var want error
	switch {
	case cell == 'E', cell == 'e' && level == txn.LevelStrict:
		want = records.ErrEnded
	case cell == 'M', cell == 'S' && level >= txn.LevelSerializable, cell == 'T' && level == txn.LevelStrict:
		want = txn.ErrConflict
	}
	wantErr(t, err, want)
}

// wantSerial checks that the two have left what they leave one after the other.
func wantSerial(t *testing.T, got string, one, two action) {
	t.Helper()
	var all []string
	for _, order := range [][]action{{one, two}, {two, one}} {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, content("a=1 b=1"))
		for _, a := range order {
			if c := w.get(first); !c.Tombstone {
				w.other(a.do)
			}
		}
		state := text(w.get(first))
		if got == state {
			return
		}
		all = append(all, state)
	}
	t.Errorf("left %q, one after the other %q", got, all)
}
