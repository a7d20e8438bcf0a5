package txn

import (
	"bytes"
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Value is the encoded value of a key, or its absence.
type Value struct {
	Data    []byte
	Text    string // continues Data: a Go string, which is copied only into the record
	Present bool

	// Lasting says that a decoded value may be a part of Data, which then stays in memory as
	// long as the value does, and never changes: Data is at least half of the values of its
	// record, so this at most doubles the memory of a value that is kept.
	Lasting bool
}

// lastingFrom is the minimum size of Lasting Data: a record also has up to 400 bytes that
// are no values.
const lastingFrom = 512

// Equal reports whether v and other are equal.
func (v Value) Equal(other Value) bool {
	if len(v.Text) < len(other.Text) {
		v, other = other, v
	}
	rest, ok := bytes.CutPrefix(other.Data, v.Data)
	more := len(v.Text) - len(other.Text)
	return ok && v.Present == other.Present &&
		len(rest) == more && string(rest) == v.Text[:more] && other.Text == v.Text[more:]
}

// Bytes returns the encoded value in one piece.
func (v Value) Bytes() []byte {
	if v.Text == "" {
		return v.Data
	}
	return append(slices.Clip(v.Data), v.Text...)
}

// valueIn returns the stored value of key.
func valueIn(c *records.Content, key string) Value {
	data, ok := c.Entries.Find(key)
	return Value{Data: data, Present: ok, Lasting: len(data) >= lastingFrom && 2*len(data) >= c.Entries.Size()}
}
