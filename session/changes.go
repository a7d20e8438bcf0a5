package session

import (
	"bytes"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// content is what a record held at one version. It never changes: the states
// of a session share it. Version 0 is a session that is not stored.
type content struct {
	envelope.Envelope
	version int64
	expires time.Time
	codec   Codec
}

// versionOf returns the version of c, 0 for nil.
func versionOf(c *content) int64 {
	if c == nil {
		return 0
	}
	return c.version
}

// change is one thing that the request did to one key. Changes are kept in
// order until they are committed, so that they can be applied again to a newer
// content.
type change struct {
	verb   verb
	key    string
	blind  bool   // the key is LastWriteWins
	value  []byte // verbSet, and of verbUpdate what it came to at first
	merge  *merge // verbSet of a key with MergeWith
	update update // verbUpdate
}

// told returns what the request takes the key to hold after c.
func (c *change) told() cell {
	return cell{c.value, c.verb == verbSet || c.verb == verbUpdate}
}

type verb int

const (
	verbSet verb = iota
	verbDelete
	verbPop // a delete of a value that was there
	verbUpdate
)

// update turns the encoded value of a key, or its absence, into a new one.
type update func(old cell) ([]byte, error)

// merge is a key's own three-way merge, with the value the request began from.
type merge struct {
	base cell
	fn   func(base, mine, theirs cell) ([]byte, error)
}

// cell is the encoded value of a key, or its absence.
type cell struct {
	value   []byte
	present bool
}

func (c cell) equal(other cell) bool {
	return c.present == other.present && bytes.Equal(c.value, other.value)
}

func (c *content) cell(key string) cell {
	value, ok := c.Find(key)
	return cell{value, ok}
}

// view is a content with changes on top.
type view struct {
	base    *content
	cleared bool
	own     table[ownCell] // what the changes made of each key
	shared  bool           // own is held elsewhere, too: copy it before a write
}

type ownCell struct {
	cell
	updated bool // by an Update
	derived bool // by an Update, from the base's value
}

// cell returns what the request sees under key, and whether any of that is the
// base's.
func (v *view) cell(key string) (c cell, fromBase bool) {
	if own := v.own.find(key); own != nil {
		return own.cell, own.derived
	}
	if v.cleared {
		return cell{}, false
	}
	return v.base.cell(key), true
}

func (v *view) put(key string, c ownCell) {
	if v.shared {
		v.own, v.shared = v.own.clone(), false
	}
	v.own.put(key, c)
}

func (v *view) clear() { v.cleared, v.own = true, table[ownCell]{} }

// changed reports whether the view differs from its base. Setting a key to
// what it was changes nothing.
func (v *view) changed() bool {
	if v.cleared && len(v.base.Entries) > 0 {
		return !slices.EqualFunc(v.entries(), v.base.Entries, sameEntry)
	}
	return slices.ContainsFunc(v.own.rows, func(own row[ownCell]) bool {
		return !own.value.equal(v.base.cell(own.key))
	})
}

// entries returns the view as the sorted entries of a new content.
func (v *view) entries() []envelope.Entry {
	kept := v.base.Entries
	if v.cleared {
		kept = nil
	}
	if len(v.own.rows) == 0 {
		return kept
	}
	merged := make([]envelope.Entry, 0, len(kept)+len(v.own.rows))
	for _, own := range v.own.sorted() {
		at, found := slices.BinarySearchFunc(kept, own.key, func(e envelope.Entry, key string) int {
			return compareName(e.Name, key)
		})
		merged = append(merged, kept[:at]...)
		if own.value.present {
			merged = append(merged, envelope.Entry{Name: []byte(own.key), Value: own.value.value})
		}
		if found {
			at++
		}
		kept = kept[at:]
	}
	return append(merged, kept...)
}

func compareName(name []byte, key string) int {
	switch {
	case string(name) < key:
		return -1
	case string(name) > key:
		return 1
	}
	return 0
}

// keys returns the names of the view, sorted.
func (v *view) keys() []string {
	entries := v.entries()
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = string(e.Name)
	}
	return keys
}

func sameEntry(a, b envelope.Entry) bool {
	return bytes.Equal(a.Name, b.Name) && bytes.Equal(a.Value, b.Value)
}
