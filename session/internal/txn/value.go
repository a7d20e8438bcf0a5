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
}

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
	return Value{Data: data, Present: ok}
}
