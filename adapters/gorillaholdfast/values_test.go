package gorillaholdfast_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestValuesComeBack(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC).Unix()
	values := map[any]any{
		"string": "v", "": "empty key", "(int)3": "like a name", "(": 1, "(gorillaholdfast)": "reserved", "(string)": 2,
		"int": 1, "bool": true, "float": 1.5, "bytes": []byte("b"), "nil": nil, "list": []any{"a", 1, nil}, "at": at,
		"struct": cart{[]string{"book"}}, "map": map[string]any{"a": 1},
		3: "int key", userKey: "ann", int64(3): "int64 key", true: "bool key", 1.5: "float key",
		"3": "string key",
	}
	b := newWorld(t).browser()
	v := b.visit()
	want(t, "IsNew", v.IsNew, true)
	for key, value := range values {
		v.Values[key] = value
	}
	v.mustSave()
	again := b.visit()
	want(t, "IsNew", again.IsNew, false)
	if !reflect.DeepEqual(again.Values, values) {
		t.Errorf("got  %#v\nwant %#v", again.Values, values)
	}
	saves := b.w.trips.Saves.Load()
	again.mustSave()
	want(t, "saves of a session without a change", b.w.trips.Saves.Load()-saves, int64(0))
}

// Gorilla's stores encode what Values holds at Save, so a change in place is a change.
func TestValueThatIsChangedInPlaceIsSaved(t *testing.T) {
	b := newWorld(t).browser()
	b.set("cart", &cart{[]string{"book"}}, "map", map[string]any{"a": 1, "b": 2})
	v := b.visit()
	c := v.Values["cart"].(cart)
	c.Items[0] = "pen"
	v.Values["map"].(map[string]any)["b"] = 3
	v.mustSave()
	got := b.visit().Values
	want(t, "item", got["cart"].(cart).Items[0], "pen")
	want(t, "element", got["map"].(map[string]any)["b"], 3)
}

func TestMapWithoutAChangeIsNotSaved(t *testing.T) {
	b := newWorld(t).browser()
	large := map[string]any{}
	for i := range 100 {
		large[fmt.Sprint(i)] = i
	}
	b.set("map", large)
	for range 3 { // gob writes the elements in random order
		saves := b.w.trips.Saves.Load()
		b.visit().mustSave()
		want(t, "saves", b.w.trips.Saves.Load()-saves, int64(0))
	}
}

func TestDeletedKeyIsAbsent(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1, userKey, 2, "c", 3)
	v := b.visit()
	delete(v.Values, "a")
	delete(v.Values, userKey)
	v.mustSave()
	if got := b.visit().Values; !reflect.DeepEqual(got, map[any]any{"c": 3}) {
		t.Errorf("got %v", got)
	}
	v = b.visit()
	v.Values = nil
	v.mustSave()
	want(t, "number of values", len(b.visit().Values), 0)
}

func TestValueThatCannotBeStored(t *testing.T) {
	type unregistered struct{ A int }
	for what, tc := range map[string]struct{ key, value any }{
		"a type that gob does not know": {"key", unregistered{1}},
		"a func":                        {"key", func() {}},
		"a key that is nil":             {nil, 1},
		"a key that is a pointer":       {new(int), 1},
		"a key with a pointer in it":    {[1]*int{}, 1},
		"a key of an unknown type":      {unregistered{1}, 1},
	} {
		b := newWorld(t).browser()
		v := b.visit()
		v.Values[tc.key] = tc.value
		cookies, err := v.save()
		if wantErr(t, err, session.ErrEncode); len(cookies) > 0 || b.w.trips.Trips() > 0 {
			t.Errorf("%s: %d cookies, %d trips", what, len(cookies), b.w.trips.Trips())
		}
		delete(v.Values, tc.key)
		v.Values["a"] = 1
		v.mustSave() // nothing was lost
		want(t, "value", b.get("a"), 1)
	}
}

func TestKeysThatCannotBeToldApart(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	v.Values[vague(1)], v.Values[vague(2)] = 1, 2
	_, err := v.save()
	wantErr(t, err, session.ErrEncode)
	delete(v.Values, vague(1))
	v.mustSave()
	want(t, "value", b.get(vague(2)), 2)
}

func TestValueThatIsDeletedAndSetAgainInOneRequest(t *testing.T) {
	b := newWorld(t).browser()
	v := b.visit()
	v.Values["a"] = 1
	v.AddFlash("hello")
	v.mustSave()
	delete(v.Values, "a")
	v.Flashes()
	v.mustSave()
	v.Values["a"] = 1
	v.AddFlash("hello")
	v.mustSave()
	got := b.visit()
	want(t, "value", got.Values["a"], 1)
	want(t, "number of messages", len(got.Flashes()), 1)
}

// A value of a type that the program no longer has is absent, stays stored, and is in the
// way of nothing.
func TestValueThatDoesNotDecodeStays(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1, "other", 2)
	id := b.visit().ID
	damage(t, b.w, id, "other")
	v := b.visit()
	if got := v.Values; !reflect.DeepEqual(got, map[any]any{"a": 1}) {
		t.Errorf("got %v", got)
	}
	v.Values["a"] = 5
	v.mustSave()
	want(t, "value", b.get("a"), 5)
	if !stored(t, b.w, id, "other") {
		t.Error("the value is gone")
	}
	b.set("other", 3)
	want(t, "value", b.get("other"), 3)
}

func TestMaxLength(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	v := b.visit()
	v.Values["large"] = strings.Repeat("x", 4096)
	_, err := v.save()
	wantErr(t, err, session.ErrTooLarge)
	b.w.MaxLength(5000)
	v.mustSave()
	want(t, "length", len(b.get("large").(string)), 4096)

	b.w.MaxLength(0)
	b.set("large", strings.Repeat("x", 1<<20))
	want(t, "length without a limit", len(b.get("large").(string)), 1<<20)
	b.w.MaxLength(100)
	v = b.visit()
	v.mustSave() // a limit that came later is in the way of changes only
}
