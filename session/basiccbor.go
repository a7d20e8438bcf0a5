package session

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Values of the commonest types are encoded and decoded here, in the same bytes as by the
// CBOR library, without its reflection.

// The major types of CBOR: RFC 8949, section 3.1.
const (
	cborUnsigned = 0 << 5
	cborNegative = 1 << 5
	cborBytes    = 2 << 5
	cborText     = 3 << 5
	cborSimple   = 7 << 5

	cborFalse = cborSimple | 20
	cborTrue  = cborSimple | 21
)

// encodeBasic returns the CBOR of *value if its type is one of those that are encoded
// here.
func encodeBasic[T any](value *T) (v txn.Value, ok bool) {
	switch x := any(value).(type) {
	case *string:
		return txn.Value{Data: cborHead(cborText, uint64(len(*x)), 0), Text: *x, Present: true}, true
	case *[]byte:
		if *x == nil {
			return v, false
		}
		return txn.Value{Data: append(cborHead(cborBytes, uint64(len(*x)), len(*x)), *x...), Present: true}, true
	case *bool:
		if *x {
			return txn.Value{Data: []byte{cborTrue}, Present: true}, true
		}
		return txn.Value{Data: []byte{cborFalse}, Present: true}, true
	case *int:
		return encodeInt(int64(*x)), true
	case *int64:
		return encodeInt(*x), true
	case *uint64:
		return txn.Value{Data: cborHead(cborUnsigned, *x, 0), Present: true}, true
	}
	return v, false
}

func encodeInt(n int64) txn.Value {
	if n < 0 {
		return txn.Value{Data: cborHead(cborNegative, uint64(^n), 0), Present: true}
	}
	return txn.Value{Data: cborHead(cborUnsigned, uint64(n), 0), Present: true}
}

// cborHead returns the first bytes of a data item in the shortest form, in a slice with
// room for that many bytes more.
func cborHead(major byte, n uint64, room int) []byte {
	switch {
	case n < 24:
		return append(make([]byte, 0, 1+room), major|byte(n))
	case n <= math.MaxUint8:
		return append(make([]byte, 0, 2+room), major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(make([]byte, 0, 3+room), major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(make([]byte, 0, 5+room), major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9+room), major|27), n)
	}
}

// decodeBasic decodes v, the CBOR of a value, if T is one of the types that are decoded
// here and v is valid for it. Otherwise the CBOR library is to decode v.
func decodeBasic[T any](v txn.Value) (value T, ok bool) {
	switch p := any(&value).(type) {
	case *string:
		*p, ok = decodeText(v)
	case *[]byte:
		*p, ok = decodeBytes(v)
	case *bool:
		if ok = len(v.Data) == 1 && (v.Data[0] == cborTrue || v.Data[0] == cborFalse); ok {
			*p = v.Data[0] == cborTrue
		}
	case *int:
		var n int64
		n, ok = decodeInt(v)
		*p, ok = int(n), ok && int64(int(n)) == n
	case *int64:
		*p, ok = decodeInt(v)
	case *uint64:
		if major, n, rest, head := splitHead(v.Data); head && major == cborUnsigned && len(rest) == 0 {
			*p, ok = n, true
		}
	}
	return value, ok
}

// decodeText returns the text that v holds. If it continues in v.Text it is all there. The
// text shares the memory of Lasting Data.
func decodeText(v txn.Value) (string, bool) {
	major, n, rest, ok := splitHead(v.Data)
	switch {
	case !ok || major != cborText || n != uint64(len(rest)+len(v.Text)):
		return "", false
	case len(rest) == 0:
		return v.Text, true
	case v.Text == "" && v.Lasting:
		return unsafe.String(&rest[0], len(rest)), true
	case v.Text == "":
		return string(rest), true
	}
	return "", false
}

func decodeBytes(v txn.Value) ([]byte, bool) {
	major, n, rest, ok := splitHead(v.Data)
	if !ok || major != cborBytes || n != uint64(len(rest)) || v.Text != "" {
		return nil, false
	}
	return append(make([]byte, 0, n), rest...), true
}

func decodeInt(v txn.Value) (int64, bool) {
	major, n, rest, ok := splitHead(v.Data)
	switch {
	case !ok || len(rest) > 0 || n > math.MaxInt64:
		return 0, false
	case major == cborUnsigned:
		return int64(n), true
	case major == cborNegative:
		return ^int64(n), true
	}
	return 0, false
}

// splitHead returns the major type and the number in the first bytes of a data item, and
// the bytes after them.
func splitHead(data []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(data) == 0 {
		return 0, 0, nil, false
	}
	major, n, rest = data[0]&(7<<5), uint64(data[0]&(1<<5-1)), data[1:]
	if n < 24 {
		return major, n, rest, true
	}
	size := 1 << (n - 24)
	if n > 27 || len(rest) < size {
		return 0, 0, nil, false
	}
	switch size {
	case 1:
		n = uint64(rest[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(rest))
	case 4:
		n = uint64(binary.BigEndian.Uint32(rest))
	case 8:
		n = binary.BigEndian.Uint64(rest)
	}
	return major, n, rest[size:], true
}
