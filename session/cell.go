package session

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// cell is the encoded value of a key, or its absence.
type cell struct {
	value   []byte
	text    string // goes on after value: a Go string, which is copied into the record alone
	present bool
}

func (c cell) equal(other cell) bool {
	if len(c.text) < len(other.text) {
		c, other = other, c
	}
	rest, ok := bytes.CutPrefix(other.value, c.value)
	more := len(c.text) - len(other.text)
	return ok && c.present == other.present &&
		len(rest) == more && string(rest) == c.text[:more] && other.text == c.text[more:]
}

// bytes returns the encoded value in one piece.
func (c cell) bytes() []byte {
	if c.text == "" {
		return c.value
	}
	return append(slices.Clip(c.value), c.text...)
}

// encode returns what value is from now on, whatever becomes of what it points to.
func encode[T any](codec Codec, value *T) (cell, error) {
	if text, ok := any(value).(*string); ok && codec == CBOR() && uint64(len(*text)) <= math.MaxUint32 {
		return cell{value: textHead(uint32(len(*text))), text: *text, present: true}, nil
	}
	data, err := codec.Marshal(value) // a pointer: it has the methods of both receivers
	return cell{value: data, present: true}, err
}

// textHead returns what the CBOR of a text of n bytes begins with: RFC 8949, 3.1.
func textHead(n uint32) []byte {
	const text = 3 << 5
	switch {
	case n < 24:
		return []byte{text | byte(n)}
	case n <= math.MaxUint8:
		return []byte{text | 24, byte(n)}
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16([]byte{text | 25}, uint16(n))
	default:
		return binary.BigEndian.AppendUint32([]byte{text | 26}, n)
	}
}
