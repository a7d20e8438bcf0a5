package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// largeValue is the size in bytes of CBOR from which every value is verified. A smaller
// value has fewer elements than the decoder allows.
const largeValue = 1 << 17

// encode returns the encoded value after it has checked that Get can return it.
func (k Key[T]) encode(s *Session, value *T) (txn.Value, error) {
	codec := s.codec()
	doubtful := k.doubtful(s.m, codec)
	if doubtful && builtin(codec) {
		if err := hidesUnstorable(value); err != nil {
			return txn.Value{}, k.encodeError(err)
		}
	}
	v, err := encode(codec, value)
	if err == nil && (doubtful || codec == CBOR() && len(v.Data) >= largeValue) {
		err = verify[T](codec, v)
	}
	if err != nil {
		return txn.Value{}, k.encodeError(err)
	}
	if doubtful && !builtin(codec) {
		s.m.decodable.Store(reflect.TypeFor[T](), nil)
	}
	return v, nil
}

// doubtful reports whether codec may encode a value that it cannot decode. For a codec of
// the program's own, this is tried with the first value of each type.
func (k Key[T]) doubtful(m *Manager, codec Codec) bool {
	switch codec {
	case CBOR():
		return k.rating.cbor != givesEvery
	case JSON():
		return k.rating.json != givesEvery
	}
	if min(k.rating.cbor, k.rating.json) != givesEvery {
		return true
	}
	_, seen := m.decodable.Load(reflect.TypeFor[T]())
	return !seen
}

// hidesUnstorable returns an error if an interface within value holds something that
// would be stored as nothing.
func hidesUnstorable[T any](value *T) (err error) {
	hidden(reflect.ValueOf(value), func(t reflect.Type) bool {
		if why := storable(t); why != nil {
			err = fmt.Errorf("it holds a %s: %w", t, why)
		}
		return err != nil
	})
	return err
}

var (
	errNotDecoded = errors.New("the encoded value does not decode into the type: use concrete types whose encoding and decoding methods match")
	errAltered    = errors.New("the encoded value decodes into another value: use a concrete type in place of any, and types whose encoding and decoding methods match")
)

// verify decodes an encoded value. Its error omits the decoder's error, because that may
// quote the value.
func verify[T any](codec Codec, v txn.Value) error {
	var back T
	if unmarshal(codec, v, &back) != nil {
		return errNotDecoded
	}
	if !builtin(codec) { // its bytes need not be the same for equal values
		return nil
	}
	data := v.Bytes()
	if text, found, _ := embeddedJSON(data); found && codec == CBOR() {
		data, codec = text, JSON()
	}
	again, err := codec.Marshal(&back)
	if err != nil || !bytes.Equal(data, again) && (codec == CBOR() || !sameText(data, again)) {
		return errAltered
	}
	return nil
}

// sameText reports whether two JSON texts have the same value.
func sameText(a, b []byte) bool {
	var x, y any
	return anyJSON{}.Unmarshal(a, &x) == nil && anyJSON{}.Unmarshal(b, &y) == nil && sameJSON(x, y)
}

// sameJSON reports whether x and y are the same value, independent of the order of names
// and the spelling of numbers.
func sameJSON(x, y any) bool {
	switch x := x.(type) {
	case map[string]any:
		y, ok := y.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, v := range x {
			if w, ok := y[name]; !ok || !sameJSON(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := y.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameJSON(x[i], y[i]) {
				return false
			}
		}
		return true
	case json.Number:
		y, ok := y.(json.Number)
		return ok && sameNumber(string(x), string(y))
	default:
		return x == y
	}
}

// sameNumber reports whether y, which has passed through a float64, is the same number as
// x.
func sameNumber(x, y string) bool {
	if x == y {
		return true
	}
	f, err := strconv.ParseFloat(x, 64)
	g, err2 := strconv.ParseFloat(y, 64)
	if err != nil || err2 != nil || f != g {
		return false
	}
	if strings.ContainsAny(x, ".eE") {
		return true
	}
	exact, ok := new(big.Int).SetString(x, 10)
	kept, _ := big.NewFloat(f).Int(nil)
	return ok && exact.Cmp(kept) == 0
}

var errNotUTF8 = errors.New("a string that is not valid UTF-8 would be altered by JSON")

// marshalJSON is json.Marshal that never changes a string. encoding/json replaces invalid
// UTF-8 by U+FFFD, and spells it \ufffd, which it does in no other case.
func marshalJSON(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err == nil && bytes.Contains(data, []byte(`\ufffd`)) && !validStrings(reflect.ValueOf(v), 0) {
		return nil, errNotUTF8
	}
	return data, err
}

// validStrings reports whether all strings within v are valid UTF-8.
func validStrings(v reflect.Value, depth int) bool {
	if depth > 1000 { // the depth from which encoding/json looks for cycles
		return true
	}
	depth++
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Interface, reflect.Pointer:
		return v.IsNil() || validStrings(v.Elem(), depth)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if !validStrings(v.Index(i), depth) {
				return false
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if !validStrings(iter.Key(), depth) || !validStrings(iter.Value(), depth) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !validStrings(v.Field(i), depth) {
				return false
			}
		}
	}
	return true
}
