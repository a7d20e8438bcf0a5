package txn_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

func TestRequestSeesItsOwnChanges(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(v *visit)
		want string // of what it sees and of what is stored
	}{
		{"Set", func(v *visit) { v.set("a", "3") }, "a=3 b=1"},
		{"Set of a new key", func(v *visit) { v.set("n", "3") }, "a=1 b=1 n=3"},
		{"the last Set counts", func(v *visit) { v.set("a", "3"); v.set("a", "4") }, "a=4 b=1"},
		{"Delete", func(v *visit) { v.Delete("a", false) }, "b=1"},
		{"Pop", func(v *visit) { v.pop("a") }, "b=1"},
		{"Pop of what was set", func(v *visit) { v.set("n", "3"); v.pop("n") }, "a=1 b=1"},
		{"Update", func(v *visit) { v.update("a"); v.update("a") }, "a=1!! b=1"},
		{"Update of a new key", func(v *visit) { v.update("n") }, "a=1 b=1 n=!"},
		{"GetOrSet of a new key", func(v *visit) { v.getOrSet("n", "3"); v.getOrSet("n", "4") }, "a=1 b=1 n=3"},
		{"Clear", func(v *visit) { v.set("n", "3"); v.Clear() }, ""},
		{"Set after a Clear", func(v *visit) { v.Clear(); v.set("b", "3") }, "b=3"},
		{"Set after a Clear to what it was", func(v *visit) { v.Clear(); v.set("a", "1"); v.set("b", "1") }, "a=1 b=1"},
		{"a Text after the Data", func(v *visit) {
			v.Set("a", txn.Value{Data: []byte("x"), Text: "yz", Present: true}, false, nil)
		}, "a=xyz b=1"},
		{"many keys", func(v *visit) {
			for i := range 40 {
				v.set(fmt.Sprint("k", i), "1")
			}
			for i := range 40 {
				v.set(fmt.Sprint("k", i), "2")
				v.Delete(fmt.Sprint("k", i), false)
			}
		}, "a=1 b=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, v := begun(t, txn.LevelMerge)
			tc.do(v)
			var all []string
			for _, key := range v.Keys() {
				all = append(all, key+"="+v.get(key))
			}
			if got := strings.Join(all, " "); got != tc.want {
				t.Errorf("it sees %q, want %q", got, tc.want)
			}
			wantErr(t, v.commit(), nil)
			w.wantStored(first, tc.want)
			if changed := tc.want != "a=1 b=1"; changed != (w.via.Saves.Load() == 1) {
				t.Errorf("%d saves", w.via.Saves.Load())
			}
		})
	}
}

func TestPopTakesWhatWasRead(t *testing.T) {
	_, v := begun(t, txn.LevelMerge)
	if taken, outrun := v.Pop("a", value("2"), false); taken || !outrun {
		t.Errorf("another value was taken: %v, outrun: %v", taken, outrun)
	}
	if taken, _ := v.Pop("a", value("1"), false); !taken {
		t.Error("it was not taken")
	}
	if taken, outrun := v.Pop("a", value("1"), false); taken || !outrun {
		t.Errorf("it was taken twice: %v, outrun: %v", taken, outrun)
	}
}

func TestCreateSetsOverWhatWasFound(t *testing.T) {
	_, v := begun(t, txn.LevelMerge)
	found, valueFormat := v.GetFirm("n")
	if found.Present || valueFormat != format || v.Format() != format {
		t.Errorf("found %v in format %q", found, valueFormat)
	}
	v.set("n", "another goroutine's")
	if v.Create("n", found, value("mine")) {
		t.Error("it was set over another's")
	}
}

func TestGetOrSetMakesAMergeFirm(t *testing.T) {
	w, v := begun(t, txn.LevelMerge)
	v.Set("a", value("3"), false, merging())
	if got := v.getOrSet("a", "4"); got != "3" {
		t.Errorf("%q", got)
	}
	w.other(func(v *visit) { v.set("a", "2") })
	wantErr(t, v.commit(), txn.ErrConflict)
}

func TestUpdate(t *testing.T) {
	t.Run("runs again where another goroutine has changed the key", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		runs := 0
		v.update("a", func() {
			if runs++; runs == 1 {
				v.set("a", "another goroutine's")
			}
		})
		if got := v.get("a"); got != "another goroutine's!" || runs != 2 {
			t.Errorf("a=%s after %d runs", got, runs)
		}
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=another goroutine's! b=1")
	})
	t.Run("whose closure sets the key itself fails", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.update("a", func() { v.set("a", v.get("a")+"?") })
		wantErr(t, v.commit(), txn.ErrEncode)
		w.wantStored(first, "a=1 b=1")
	})
	t.Run("that fails fails the commit", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		fail := func(txn.Value) (txn.Value, error) { return txn.Value{}, txn.ErrEncode }
		v.Update("a", false, fail, fail)
		wantErr(t, v.commit(), txn.ErrEncode)
		wantErr(t, v.save(), txn.ErrEncode)
		w.wantSaves(0)
	})
	t.Run("that fails on what another has saved fails the commit", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.Update("a", false,
			func(txn.Value) (txn.Value, error) { return value("3"), nil },
			func(txn.Value) (txn.Value, error) { return txn.Value{}, txn.ErrEncode })
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.commit(), txn.ErrEncode)
		w.wantStored(first, "a=2 b=1")
	})
	t.Run("that panics on what another has saved leaves nothing half done", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.set("b", "3")
		v.Update("a", false,
			func(txn.Value) (txn.Value, error) { return value("3"), nil },
			func(txn.Value) (txn.Value, error) { panic("closure") })
		w.other(func(v *visit) { v.set("a", "2") })
		func() {
			defer func() {
				if p := recover(); p != "closure" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = v.save()
		}()
		if v.get("a") != "3" || v.get("b") != "3" {
			t.Errorf("a=%s b=%s", v.get("a"), v.get("b"))
		}
		w.wantStored(first, "a=2 b=1")
	})
	t.Run("is applied to each newer value", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.update("a")
		w.onSave = slices.Repeat([]saveHook{before(func() { w.other(func(v *visit) { v.set("a", v.get("a")+"+") }) }), pass}, 5)
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1+++++! b=1")
	})
}

func TestValue(t *testing.T) {
	whole := value("abc")
	for _, tc := range []struct {
		name string
		v    txn.Value
		same bool
	}{
		{"the same bytes", value("abc"), true},
		{"in two pieces", txn.Value{Data: []byte("a"), Text: "bc", Present: true}, true},
		{"as Text alone", txn.Value{Text: "abc", Present: true}, true},
		{"absent", txn.Value{}, false},
		{"absent, with bytes", txn.Value{Data: []byte("abc")}, false},
		{"shorter", txn.Value{Data: []byte("a"), Text: "b", Present: true}, false},
		{"longer", txn.Value{Data: []byte("a"), Text: "bcd", Present: true}, false},
		{"other Data", txn.Value{Data: []byte("x"), Text: "bc", Present: true}, false},
		{"other Text", txn.Value{Data: []byte("a"), Text: "xx", Present: true}, false},
	} {
		if whole.Equal(tc.v) != tc.same || tc.v.Equal(whole) != tc.same {
			t.Errorf("%s: equal is not %v", tc.name, tc.same)
		}
		if tc.same && string(tc.v.Bytes()) != "abc" {
			t.Errorf("%s: bytes %q", tc.name, tc.v.Bytes())
		}
	}
	one := txn.Value{Data: []byte("ab"), Text: "cd", Present: true}
	for _, other := range []txn.Value{{Data: []byte("abc"), Text: "d", Present: true}, {Data: []byte("a"), Text: "bcd", Present: true}} {
		if !one.Equal(other) || !other.Equal(one) {
			t.Errorf("%q and %q are not the same", one.Bytes(), other.Bytes())
		}
	}
	data := []byte("ab")[:1]
	_ = txn.Value{Data: data, Text: "x", Present: true}.Bytes()
	if string(data[:2]) != "ab" {
		t.Error("Bytes writes behind the Data")
	}
}

// The message of a conflict names what helps against it.
func TestConflictNamesTheRemedy(t *testing.T) {
	set := func(v *visit) { v.set("a", "2") }
	for _, tc := range []struct {
		rule  string
		level txn.Isolation
		mine  func(v *visit)
		other func(v *visit)
		want  []string
		not   string
	}{
		{"a Set", txn.LevelMerge, func(v *visit) { v.set("a", v.get("a")+"3") }, set, []string{`key "a"`, "read and set", "Key.Update", "Manager.Replay"}, "GetOrSet"},
		{"a Set of what was absent", txn.LevelMerge, func(v *visit) { v.set("n", v.get("n")+"3") }, func(v *visit) { v.set("n", "2") }, []string{`key "n"`, "Key.GetOrSet", "Manager.HandlerFunc"}, ""},
		{"a Set at LevelStrict, which no Update spares", txn.LevelStrict, func(v *visit) { v.set("a", v.get("a")+"3") }, set, []string{"Manager.Replay"}, "Key.Update"},
		{"a Pop", txn.LevelMerge, func(v *visit) { v.pop("a") }, set, []string{"popped", "only one request gets it"}, "Replay"},
		{"a Delete", txn.LevelMerge, func(v *visit) { v.get("a"); v.Delete("a", false) }, set, []string{"read and deleted", "Manager.Replay"}, "Key.Update"},
		{"a Clear", txn.LevelMerge, func(v *visit) { v.get("a"); v.Clear() }, set, []string{"read and cleared", "Manager.Replay"}, "Key.Update"},
		{"a GetOrSet", txn.LevelMerge, func(v *visit) { v.getOrSet("n", "3") }, func(v *visit) { v.set("n", "2") }, []string{"set by GetOrSet", "Manager.HandlerFunc"}, ""},
		{"a read", txn.LevelSerializable, func(v *visit) { v.set("b", v.get("a")+"3") }, set, []string{`key "a"`, "read by this request", "Session.Update"}, ""},
		{"an Update of what was read", txn.LevelSerializable, func(v *visit) { v.get("a"); v.update("a") }, set, []string{"read and updated", "only in the function of Key.Update"}, ""},
		{"a listing", txn.LevelSerializable, func(v *visit) { v.Keys(); v.set("a", "3") }, func(v *visit) { v.set("n", "2") }, []string{"listed the keys", "Manager.Replay"}, ""},
		{"LevelStrict", txn.LevelStrict, func(v *visit) { v.set("a", "3") }, func(v *visit) { v.set("n", "2") }, []string{"LevelStrict merges nothing", "Manager.Replay"}, "Key.Update"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, v := begun(t, tc.level)
			tc.mine(v)
			w.other(tc.other)
			err := v.commit()
			if !errors.Is(err, txn.ErrConflict) {
				t.Fatalf("%v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: want %q in it", err, want)
				}
			}
			if tc.not != "" && strings.Contains(err.Error(), tc.not) {
				t.Errorf("%v: want no %q in it", err, tc.not)
			}
		})
	}
}

// What was read holds at every commit of the request, also where a Run has moved it to a
// newer version in between.
func TestReadsHoldOverSeveralCommits(t *testing.T) {
	t.Run("a value that another has changed since", func(t *testing.T) {
		w, v := begun(t, txn.LevelSerializable)
		v.get("a")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.Run(t.Context(), func() error { return nil }), nil) // loads the newest
		v.set("b", "3")
		wantErr(t, v.commit(), txn.ErrConflict)
	})
	t.Run("also at a commit that has nothing to save", func(t *testing.T) {
		w, v := begun(t, txn.LevelSerializable)
		v.get("a")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.Run(t.Context(), func() error { return nil }), nil)
		v.Delete("n", false)
		wantErr(t, v.commit(), txn.ErrConflict)
		if got := w.ops(); !strings.HasSuffix(got, "save first 1 true") {
			t.Errorf("observed: %s", got)
		}
	})
	t.Run("also at a Renew, which inserts nothing then", func(t *testing.T) {
		w, v := begun(t, txn.LevelSerializable)
		v.get("a")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.Run(t.Context(), func() error { return nil }), nil)
		v.Renew()
		wantErr(t, v.commit(), txn.ErrConflict)
		w.wantSaves(1) // the other's
	})
	t.Run("a merge starts from the value that was read", func(t *testing.T) {
		for _, tc := range []struct {
			merge func(base, mine, theirs txn.Value) (txn.Value, error)
			err   error
			want  string
		}{
			{merging().Merge, nil, "a=1/3/2 b=1"},
			{func(_, _, _ txn.Value) (txn.Value, error) { return txn.Value{}, txn.ErrEncode }, txn.ErrEncode, "a=2 b=1"},
		} {
			w, v := begun(t, txn.LevelMerge)
			v.get("a")
			w.other(func(v *visit) { v.set("a", "2") })
			wantErr(t, v.Run(t.Context(), func() error { return nil }), nil)
			m := merging()
			m.Merge = tc.merge
			v.Set("a", value("3"), false, m)
			wantErr(t, v.commit(), tc.err)
			w.wantStored(first, tc.want)
		}
	})
	t.Run("what the request has saved itself is no change", func(t *testing.T) {
		w, v := begun(t, txn.LevelSerializable)
		v.set("a", v.get("a")+"3")
		v.Keys()
		v.set("n", "3")
		v.Delete("b", false)
		wantErr(t, v.save(), nil)
		v.set("c", v.get("a"))
		wantErr(t, v.save(), nil)
		v.Clear()
		v.set("d", "4")
		wantErr(t, v.save(), nil)
		v.set("e", "5")
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "d=4 e=5")
	})
	t.Run("another's change of it is", func(t *testing.T) {
		for _, other := range []func(v *visit){
			func(v *visit) { v.set("a", "2") },
			func(v *visit) { v.set("m", "2") },
			func(v *visit) { v.Delete("n", false) },
		} {
			w, v := begun(t, txn.LevelSerializable)
			v.set("a", v.get("a")+"3")
			v.Keys()
			v.set("n", "3")
			wantErr(t, v.save(), nil)
			w.other(other)
			v.set("c", "4")
			wantErr(t, v.commit(), txn.ErrConflict)
		}
	})
	t.Run("a key that was read twice with two values is not merged", func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		v.get("a")
		w.other(func(v *visit) { v.set("a", "2") })
		wantErr(t, v.Run(t.Context(), func() error { v.get("a"); return nil }), nil)
		v.Set("a", value("3"), false, merging())
		w.other(func(v *visit) { v.set("a", "4") })
		wantErr(t, v.commit(), txn.ErrConflict)
	})
}

func TestParallelUseOfOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, v := begun(t, txn.LevelMerge)
		done := make(chan struct{})
		for i := range 8 {
			go func() {
				defer func() { done <- struct{}{} }()
				v.update("a")
				v.set(fmt.Sprint("k", i), "1")
				v.get("a")
				v.Keys()
				wantErr(t, v.save(), nil)
			}()
		}
		for range 8 {
			<-done
		}
		wantErr(t, v.commit(), nil)
		w.wantStored(first, "a=1!!!!!!!! b=1 k0=1 k1=1 k2=1 k3=1 k4=1 k5=1 k6=1 k7=1")
	})
}

func TestFormatIsThatOfTheSession(t *testing.T) {
	w := newWorld(t, txn.LevelMerge)
	w.put(first, content("a=1"))
	w.e.Format = "json" // of new sessions
	v := w.visit(first)
	v.set("a", "2")
	wantErr(t, v.commit(), nil)
	if c := w.get(first); c.Format != format || v.Format() != format {
		t.Errorf("formats %q, %q", c.Format, v.Format())
	}
	fresh := w.visit("")
	fresh.set("a", "1")
	wantErr(t, fresh.commit(), nil)
	if c := w.get("session-1"); c.Format != "json" || !c.Created.Equal(c.Started) || c.Created.After(records.Now()) {
		t.Errorf("format %q", c.Format)
	}
}

// A value that is decoded may share the memory of a large part of a record only.
func TestLastingValues(t *testing.T) {
	for _, tc := range []struct {
		what   string
		size   int
		others int // bytes of the other value
		want   bool
	}{
		{"half of the values", 600, 500, true},
		{"less than half of them", 600, 700, false},
		{"alone, but small", 500, 0, false},
		{"alone and large", 512, 0, true},
	} {
		w := newWorld(t, txn.LevelMerge)
		w.put(first, content("a="+strings.Repeat("x", tc.size)+" b="+strings.Repeat("y", tc.others)))
		v := w.visit(first)
		if got, _ := v.Get("a", false); got.Lasting != tc.want || len(got.Data) != tc.size {
			t.Errorf("%s: lasting: %t, want %t; %d bytes", tc.what, got.Lasting, tc.want, len(got.Data))
		}
		v.set("a", "changed")
		if got, _ := v.Get("a", false); got.Lasting {
			t.Errorf("%s: a value that is set is lasting", tc.what)
		}
	}
}
