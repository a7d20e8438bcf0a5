package session

import (
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
	data    []byte // of one that is to be saved: the record's Data
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
	told   cell   // what the request takes the key to hold after it
	merge  *merge // verbSet of a key with MergeWith
	update update // verbUpdate
}

type verb int

const (
	verbSet verb = iota
	verbDelete
	verbPop    // a delete of a value that was there
	verbCreate // a set by GetOrSet, to what its caller goes on with
	verbUpdate
)

// update turns the encoded value of a key, or its absence, into a new one.
type update func(old cell) (cell, error)

// merge is a key's own three-way merge, with the value the request began from.
type merge struct {
	base    cell
	fn      func(base, mine, theirs cell) (cell, error)
	decodes func(theirs cell) bool // one that does not counts as deleted
}

func (c *content) cell(key string) cell {
	value, ok := c.Entries.Find(key)
	return cell{value: value, present: ok}
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
	if v.cleared && v.base.Entries.Len() > 0 {
		return !v.entries().Equal(&v.base.Entries)
	}
	return slices.ContainsFunc(v.own.rows, func(own row[ownCell]) bool {
		return !own.value.equal(v.base.cell(own.key))
	})
}

// kept returns the entries that the view's own cells are on top of.
func (v *view) kept() *envelope.Entries {
	if v.cleared {
		return new(envelope.Entries)
	}
	return &v.base.Entries
}

// edits appends what the view's own cells make of those.
func (v *view) edits(dst []envelope.Edit) []envelope.Edit {
	for i := range v.own.rows {
		own := &v.own.rows[i]
		dst = append(dst, envelope.Edit{Name: own.key, Value: own.value.value, Text: own.value.text, Remove: !own.value.present})
	}
	return dst
}

// entries returns what the two come to.
func (v *view) entries() *envelope.Entries {
	if len(v.own.rows) == 0 {
		return v.kept()
	}
	e := v.kept().With(v.edits(nil))
	return &e
}

// keys returns the names of the view, sorted.
func (v *view) keys() []string { return names(v.entries()) }
