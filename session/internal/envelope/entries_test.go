package envelope_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// Entries with edits must be what a map would be, however many there are.
func TestEntriesAgainstAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		names := 1 + rng.IntN(100)
		model := map[string]string{}
		entries := new(envelope.Entries)
		for range 10 {
			var edits []envelope.Edit
			for _, n := range rng.Perm(names)[:rng.IntN(names)] {
				edit := envelope.Edit{Name: fmt.Sprint("k", n), Remove: rng.IntN(3) == 0}
				delete(model, edit.Name)
				if !edit.Remove {
					edit.Value = make([]byte, rng.IntN(300))
					edit.Text = strings.Repeat("t", rng.IntN(300)*rng.IntN(2))
					model[edit.Name] = string(edit.Value) + edit.Text
				}
				edits = append(edits, edit)
			}
			e := envelope.Envelope{Created: begin, Started: begin}
			data := envelope.Bind(e.Encode(0, nil, entries, slices.Clone(edits)), id)
			if cap(data) != len(data) {
				t.Errorf("a record of %d bytes in room for %d", len(data), cap(data))
			}
			decoded, err := envelope.Decode(id, data)
			if err != nil {
				t.Fatal(err)
			}
			with := entries.With(edits)
			for what, got := range map[string]*envelope.Entries{"encoded": &e.Entries, "decoded": &decoded.Entries, "with edits": &with} {
				compare(t, what, got, model)
				if !got.Equal(&e.Entries) {
					t.Errorf("%s: not what was encoded", what)
				}
			}
			entries = &e.Entries
		}
		if t.Failed() {
			return
		}
	}
}

func compare(t *testing.T, what string, got *envelope.Entries, model map[string]string) {
	t.Helper()
	if got.Len() != len(model) {
		t.Errorf("%s: %d entries of %d", what, got.Len(), len(model))
	}
	var names []string
	for name, value := range got.All() {
		names = append(names, string(name))
		if want, ok := model[string(name)]; !ok || string(value) != want {
			t.Errorf("%s: %q is %q", what, name, value)
		}
	}
	if want := slices.Sorted(maps.Keys(model)); !slices.Equal(names, want) {
		t.Errorf("%s: %q, want %q", what, names, want)
	}
	for name, want := range model {
		if value, ok := got.Find(name); !ok || string(value) != want {
			t.Errorf("%s: found %q, %v for %q", what, value, ok, name)
		}
	}
	for _, name := range []string{"", "a", "k", "k0x", "k50x", "z"} {
		if value, ok := got.Find(name); ok {
			t.Errorf("%s: found %q for %q", what, value, name)
		}
	}
}

func TestEqualEntries(t *testing.T) {
	none := new(envelope.Entries)
	a := none.With([]envelope.Edit{{Name: "a", Value: []byte("1")}})
	for _, other := range [][]envelope.Edit{nil, {{Name: "a", Value: []byte("2")}}, {{Name: "b", Value: []byte("1")}}, {{Name: "a", Value: []byte("1")}, {Name: "b"}}} {
		if with := none.With(other); a.Equal(&with) {
			t.Errorf("equal to %v", other)
		}
	}
	if same := a.With([]envelope.Edit{{Name: "a", Value: []byte("1")}, {Name: "b", Remove: true}}); !a.Equal(&same) {
		t.Error("not equal to the same")
	}
}

func TestIterationEnds(t *testing.T) {
	e := new(envelope.Entries).With([]envelope.Edit{{Name: "a"}, {Name: "b"}})
	for name := range e.All() {
		if !bytes.Equal(name, []byte("a")) {
			t.Errorf("went on to %q", name)
		}
		break
	}
}
