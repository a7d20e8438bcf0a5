package gorillaholdfast_test

import (
	"bytes"
	"testing"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// inspect returns the stored values of a session.
func inspect(t *testing.T, w *world, id string) []session.Value {
	t.Helper()
	info, err := session.Inspect(record(t, w, id), gorillaholdfast.Codec())
	if err != nil {
		t.Fatal(err)
	}
	return info.Values
}

func record(t *testing.T, w *world, id string) *provider.Record {
	t.Helper()
	rec, err := w.trips.Provider.Fetch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// alive returns the number of sessions in the store.
func alive(t *testing.T, w *world) (n int) {
	t.Helper()
	for rec, err := range provider.List(t.Context(), w.trips.Provider, "") {
		if err != nil {
			t.Fatal(err)
		}
		if info, err := session.Inspect(rec, gorillaholdfast.Codec()); err == nil && info.Kind == session.KindSession {
			n++
		}
	}
	return n
}

func stored(t *testing.T, w *world, id, key string) bool {
	t.Helper()
	for _, v := range inspect(t, w, id) {
		if v.Name == key {
			return true
		}
	}
	return false
}

// damage changes a stored value, an int, such that it is of no type that gob knows.
func damage(t *testing.T, w *world, id, key string) {
	t.Helper()
	rec := record(t, w, id)
	for _, v := range inspect(t, w, id) {
		if v.Name == key {
			at := bytes.Index(rec.Data, v.Data)
			copy(rec.Data[at:], bytes.Replace(v.Data, []byte("int"), []byte("tni"), 1))
		}
	}
	if err := w.trips.Provider.Save(t.Context(), rec, -1); err != nil {
		t.Fatal(err)
	}
}
