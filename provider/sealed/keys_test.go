package sealed_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/sealed"
)

func TestNewRefuses(t *testing.T) {
	key, store := newKey(), memory.New()
	for _, c := range []struct {
		name  string
		inner provider.Provider
		keys  [][]byte
		want  []string
	}{
		{"no provider", nil, [][]byte{key}, []string{"no provider"}},
		{"no keys", store, nil, []string{"no keys"}},
		{"a key of 16 bytes", store, [][]byte{key[:16]}, []string{"keys[0] has 16 bytes"}},
		{"a key in base64", store, [][]byte{key, make([]byte, 44)}, []string{"keys[1] has 44 bytes"}},
		{"a nil key", store, [][]byte{nil, key}, []string{"keys[0] has 0 bytes"}},
		{"a key that is there twice", store, [][]byte{key, newKey(), key}, []string{"keys[2] is there twice"}},
		{"many mistakes, each of which it names", nil, [][]byte{nil, key, key}, []string{"no provider", "keys[0]", "keys[2]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := sealed.New(c.inner, c.keys)
			if p != nil || err == nil {
				t.Fatalf("got %v and error %v, want an error only", p, err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want it to say %q", err, want)
				}
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "sealed: ") {
					t.Errorf("%q has no prefix", line)
				}
			}
		})
	}
}

func TestKeysAreCopied(t *testing.T) {
	key := newKey()
	inner := memory.New()
	p := seal(t, inner, key)
	rec := newRecord()
	save(t, p, rec, 0)
	same := bytes.Clone(key)
	clear(key)
	holds(t, p, rec)
	holds(t, seal(t, inner, same), rec)
}

// The steps of the package's documentation, and that a key may then go.
func TestRotation(t *testing.T) {
	inner := memory.New()
	oldKey, newKey := newKey(), newKey()
	before, learning, after := seal(t, inner, oldKey), seal(t, inner, oldKey, newKey), seal(t, inner, newKey, oldKey)
	without := seal(t, inner, newKey)

	idle, used := newRecord(), newRecord()
	save(t, before, idle, 0)
	save(t, learning, used, 0)
	holds(t, before, used)   // the first key seals, no other
	holds(t, after, idle)    // all keys open
	save(t, after, used, -1) // the same once more
	holds(t, learning, used)

	holds(t, without, used)
	if _, err := without.Fetch(t.Context(), idle.ID); !errors.Is(err, provider.ErrUnreadable) {
		t.Errorf("a record of a key that was removed: got error %v, want ErrUnreadable", err)
	}
	if _, err := before.Fetch(t.Context(), used.ID); !errors.Is(err, provider.ErrUnreadable) {
		t.Errorf("a record of a key that is not known yet: got error %v, want ErrUnreadable", err)
	}
}

// A conflict brings the winner along, of whatever key.
func TestConflictOverRotation(t *testing.T) {
	inner := memory.New()
	oldKey, newKey := newKey(), newKey()
	rec := newRecord()
	save(t, seal(t, inner, oldKey), rec, 0)
	err := seal(t, inner, newKey, oldKey).Save(t.Context(), successor(rec), 0)
	conflict, ok := errors.AsType[*provider.ConflictError](err)
	if !ok || !same(conflict.Current, rec) {
		t.Errorf("got error %#v, want a ConflictError with the record", err)
	}
}
