package gorillaholdfast_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/session"
)

// Of two requests that have loaded the same session, the first saves first.
func TestParallelRequests(t *testing.T) {
	set := func(key, value any) func(map[any]any) { return func(v map[any]any) { v[key] = value } }
	del := func(key any) func(map[any]any) { return func(v map[any]any) { delete(v, key) } }
	none := func(map[any]any) {}
	for what, tc := range map[string]struct {
		option        gorillaholdfast.Option
		first, second func(map[any]any)
		err           error
		want          map[any]any
	}{
		"of different keys merge":             {nil, set("a", 5), set("b", 6), nil, map[any]any{"a": 5, "b": 6}},
		"of new keys merge":                   {nil, set("c", 5), set("d", 6), nil, map[any]any{"a": 1, "b": 2, "c": 5, "d": 6}},
		"of keys of other types merge":        {nil, set(3, 5), set("3", 6), nil, map[any]any{"a": 1, "b": 2, 3: 5, "3": 6}},
		"of the same key conflict":            {nil, set("a", 5), set("a", 6), session.ErrConflict, map[any]any{"a": 5, "b": 2}},
		"of the same new key conflict":        {nil, set("c", 5), set("c", 6), session.ErrConflict, map[any]any{"a": 1, "b": 2, "c": 5}},
		"of a deleted key conflict":           {nil, del("a"), set("a", 6), session.ErrConflict, map[any]any{"b": 2}},
		"of a key to delete conflict":         {nil, set("a", 5), del("a"), session.ErrConflict, map[any]any{"a": 5, "b": 2}},
		"merge with one that changes nothing": {nil, set("a", 5), none, nil, map[any]any{"a": 5, "b": 2}},
		"last write wins, by key": {
			gorillaholdfast.LastWriteWins("a"), set("a", 5), set("a", 6), nil, map[any]any{"a": 6, "b": 2},
		},
		"last write wins, by a key of another type": {
			gorillaholdfast.LastWriteWins(userKey), set(userKey, 5), set(userKey, 6), nil, map[any]any{"a": 1, "b": 2, userKey: 6},
		},
		"last write wins, not by another key": {
			gorillaholdfast.LastWriteWins("b"), set("a", 5), set("a", 6), session.ErrConflict, map[any]any{"a": 5, "b": 2},
		},
		"last write wins, for all": {
			gorillaholdfast.LastWriteWins(), set("c", 5), set("c", 6), nil, map[any]any{"a": 1, "b": 2, "c": 6},
		},
		"last delete wins": {
			gorillaholdfast.LastWriteWins(), set("a", 5), del("a"), nil, map[any]any{"b": 2},
		},
	} {
		t.Run(what, func(t *testing.T) {
			var opts []gorillaholdfast.Option
			if tc.option != nil {
				opts = append(opts, tc.option)
			}
			b := newWorld(t, opts...).browser()
			b.set("a", 1, "b", 2)
			one, two := b.visit(), b.visit()
			tc.first(one.Values)
			tc.second(two.Values)
			one.mustSave()
			_, err := two.save()
			wantErr(t, err, tc.err)
			if got := b.visit().Values; !reflect.DeepEqual(got, tc.want) {
				t.Errorf("stored %v, want %v", got, tc.want)
			}
		})
	}
}

func TestKeyThatAParallelRequestAddsBetweenTwoSaves(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	v, other := b.visit(), b.visit()
	other.Values["b"] = 5
	other.mustSave()
	v.Values["a"] = 2
	v.mustSave() // is now on top of the other's b, which this request has not seen
	v.Values["b"] = 6
	_, err := v.save()
	wantErr(t, err, session.ErrConflict)
	want(t, "value", b.get("b"), 5)
}

func TestKeyThatAParallelRequestChangesBetweenTwoSaves(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1, "b", 2)
	v, other := b.visit(), b.visit()
	other.Values["b"] = 5
	other.mustSave()
	v.Values["a"] = 2
	v.mustSave()
	want(t, "value", b.get("b"), 5)
	v.Values["b"] = 6
	_, err := v.save()
	wantErr(t, err, session.ErrConflict)
	want(t, "value", b.get("b"), 5)
}

// After an error the app loads the session again with New.
func TestNewBeginsAgainAfterAConflict(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	one, two := b.visit(), b.visit()
	one.Values["a"], two.Values["a"] = 5, 6
	one.mustSave()
	_, err := two.save()
	wantErr(t, err, session.ErrConflict)
	_, err = two.save() // nothing that was refused gets in later
	wantErr(t, err, session.ErrConflict)
	if two.Session, err = b.w.New(two.r, name); err != nil {
		t.Fatal(err)
	}
	two.Values["a"] = two.Values["a"].(int) + 1
	two.mustSave()
	want(t, "value", b.get("a"), 6)
}

func TestFlashMessagesMerge(t *testing.T) {
	add := func(text string) func(*visit) { return func(v *visit) { v.AddFlash(text) } }
	take := func(v *visit) { v.Flashes() }
	both := func(v *visit) { v.Flashes(); v.AddFlash("new") }
	for what, tc := range map[string]struct {
		first, second func(*visit)
		want          []any
	}{
		"both add":                     {add("b"), add("c"), []any{"a", "b", "c"}},
		"one takes, then one adds":     {take, add("c"), []any{"c"}},
		"one adds, then one takes":     {add("b"), take, []any{"b"}},
		"both take":                    {take, take, nil},
		"one takes and adds, one adds": {both, add("c"), []any{"new", "c"}},
		"one adds, one takes and adds": {add("b"), both, []any{"b", "new"}},
		"both take and add":            {both, both, []any{"new", "new"}},
	} {
		t.Run(what, func(t *testing.T) {
			b := newWorld(t).browser()
			v := b.visit()
			v.AddFlash("a")
			v.mustSave()
			one, two := b.visit(), b.visit()
			tc.first(one)
			tc.second(two)
			one.mustSave()
			two.mustSave()
			last := b.visit()
			if got := last.Flashes(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			last.mustSave()
			after := b.visit()
			want(t, "number of values afterwards", len(after.Values), 0)
			saves := b.w.trips.Saves.Load()
			after.mustSave()
			want(t, "saves without a change", b.w.trips.Saves.Load()-saves, int64(0))
		})
	}
}

func TestFlashMessagesOfTwoSavesInOneRequest(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	v, other := b.visit(), b.visit()
	other.AddFlash("other")
	other.mustSave()
	v.AddFlash("one")
	v.mustSave()
	v.AddFlash("two")
	v.mustSave()
	if got := b.visit().Flashes(); !reflect.DeepEqual(got, []any{"other", "one", "two"}) {
		t.Errorf("got %v", got)
	}
	v.Flashes() // takes what it has seen: one and two
	v.mustSave()
	if got := b.visit().Flashes(); !reflect.DeepEqual(got, []any{"other"}) {
		t.Errorf("got %v", got)
	}
}

func TestFlashKeys(t *testing.T) {
	for what, tc := range map[string]struct {
		opts []gorillaholdfast.Option
		err  error
		want []any
	}{
		"of another key merge if the Store knows it": {[]gorillaholdfast.Option{gorillaholdfast.FlashKeys("errors")}, nil, []any{"a", "b"}},
		"of another key conflict otherwise":          {nil, session.ErrConflict, []any{"a"}},
	} {
		t.Run(what, func(t *testing.T) {
			b := newWorld(t, tc.opts...).browser()
			b.set("x", 1)
			one, two := b.visit(), b.visit()
			one.AddFlash("a", "errors")
			two.AddFlash("b", "errors")
			one.mustSave()
			_, err := two.save()
			wantErr(t, err, tc.err)
			if got := b.visit().Flashes("errors"); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// The counter of an app that retries loses nothing; that of one that ignores the error
// counts each request that was saved.
func TestNoAcknowledgedUpdateIsLost(t *testing.T) {
	b := newWorld(t).browser()
	b.set("n", 0)
	const requests = 50
	var saved sync.Map
	var all sync.WaitGroup
	for i := range requests {
		v := b.visit()
		all.Go(func() {
			v.Values["n"] = v.Values["n"].(int) + 1
			v.Values[fmt.Sprint("key", i)] = true
			if v.Session.Save(v.r, v.rec) == nil {
				saved.Store(i, true)
			}
		})
	}
	all.Wait()
	values := b.visit().Values
	n := 0
	saved.Range(func(any, any) bool { n++; return true })
	want(t, "counter", values["n"], n)
	want(t, "number of keys", len(values)-1, n)
}

func TestSerializableRefusesWhatWasDecidedOnAnotherKey(t *testing.T) {
	b := newWorld(t, gorillaholdfast.WithConfig(session.Config{Logger: quiet, Isolation: session.LevelSerializable})).browser()
	b.set("a", 1, "b", 2)
	one, two := b.visit(), b.visit()
	one.Values["a"], two.Values["b"] = 5, 6
	one.mustSave()
	_, err := two.save()
	wantErr(t, err, session.ErrConflict)
}
