package txn

import (
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// change is one change of one key. Changes are kept in order until they are committed, so
// that they can be applied again to a newer content.
type change struct {
	verb          verb
	lastWriteWins bool // the key is
	refreshing    bool // a running Refresh got the result as the old value, and replaces it
	key           string
	result        Value  // the value of the key after the change, as the request sees it
	merge         *Merge // verbSet of a key with MergeWith
	update        Update // verbUpdate
}

type verb uint8

const (
	verbSet verb = iota
	verbDelete
	verbPop    // a delete of an existing value
	verbCreate // a set by GetOrSet, to the value that it has returned
	verbUpdate
)

// Update turns the encoded value of a key, or its absence, into a new one.
type Update func(old Value) (Value, error)

// Merge is a key's own three-way merge.
type Merge struct {
	// Merge returns the merged value, given the value that the request started from, its own
	// value and the other request's.
	Merge func(base, mine, theirs Value) (Value, error)

	// Decodes reports whether the other request's value decodes. A value that does not
	// decode counts as deleted.
	Decodes func(format string, theirs Value) bool

	base Value // that the request began from
}

// view is a content with changes on top.
type view struct {
	base    *records.Content
	own     smallMap[ownValue] // the changed value of each key
	cleared bool
	shared  bool // own is shared: copy it before a write
}

type ownValue struct {
	Value
	updated bool // by an Update
	derived bool // by an Update, from the base's value
}

// value returns the value of key that the request sees, and whether it depends on the
// base.
func (v *view) value(key string) (value Value, fromBase bool) {
	if own := v.own.find(key); own != nil {
		return own.Value, own.derived
	}
	if v.cleared {
		return Value{}, false
	}
	return valueIn(v.base, key), true
}

func (v *view) put(key string, value ownValue) {
	if v.shared {
		v.own, v.shared = v.own.clone(), false
	}
	v.own.put(key, value)
}

func (v *view) clear() { v.cleared, v.own = true, smallMap[ownValue]{} }

// changed reports whether the view differs from its base. Setting a key to its present
// value is not a change.
func (v *view) changed() bool {
	if v.cleared && v.base.Entries.Len() > 0 {
		return !v.entries().Equal(&v.base.Entries)
	}
	return slices.ContainsFunc(v.own.rows, func(own row[ownValue]) bool {
		return !own.value.Equal(valueIn(v.base, own.key))
	})
}

// kept returns the entries that the view's own values are applied to.
func (v *view) kept() *envelope.Entries {
	if v.cleared {
		return new(envelope.Entries)
	}
	return &v.base.Entries
}

// edits appends the edits that turn the kept entries into those of the view.
func (v *view) edits(dst []envelope.Edit) []envelope.Edit {
	for i := range v.own.rows {
		own := &v.own.rows[i]
		dst = append(dst, envelope.Edit{Name: own.key, Value: own.value.Data, Text: own.value.Text, Remove: !own.value.Present})
	}
	return dst
}

// entries returns the entries of the base with the view's own values.
func (v *view) entries() *envelope.Entries {
	if len(v.own.rows) == 0 {
		return v.kept()
	}
	e := v.kept().With(v.edits(nil))
	return &e
}

// keys returns the names of the view, sorted.
func (v *view) keys() []string { return names(v.entries()) }
