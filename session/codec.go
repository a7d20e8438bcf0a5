package session

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Codec encodes the values of a session, each by itself. Equal values should give equal
// bytes, so that setting a key to its present value is recognized as no change.
//
// Where a codec may fail to restore a value, each encoded value is decoded again, and one
// that does not decode fails the commit with ErrEncode. With the built-in codecs this
// happens at every save of types that contain an interface or have only half of the
// methods to encode themselves. With a codec of your own it happens once for every type.
//
// A session keeps the codec it began with, and its record names it. A Manager may
// therefore be switched to another codec in operation. The built-in codecs can always be
// read; a codec of your own only while it is the Config's. If the codec of a visitor's
// session is not known, the visitor is treated as new, which is logged: keys read as
// absent, a change begins another session, and the stored session stays. Renew and
// Destroy end the stored session, and Manager.Sessions lists it. During a rolling
// deployment that replaces a codec of your own, old and new instances treat each other's
// sessions like this.
type Codec interface {
	// Name returns the name of the codec, which is stored as Record.Format. It must not be
	// empty.
	Name() string
	// Marshal encodes what v points to. It must not keep v.
	Marshal(v any) ([]byte, error)
	// Unmarshal decodes data into v, a pointer. It must neither keep data nor write to it.
	Unmarshal(data []byte, v any) error
}

// CBOR returns the default codec: RFC 8949 in its core deterministic form. It uses json
// tags, and the encoding.BinaryMarshaler, encoding.TextMarshaler and json.Marshaler of a
// type. Times keep their nanoseconds and their offset, but not the name of their
// location.
func CBOR() Codec { return cborCodec{} }

// JSON returns a codec whose values can be read in the store. It takes several times as
// long as [CBOR]. It cannot represent some values, which fail the commit with ErrEncode:
// strings that are not valid UTF-8, NaN and infinities, and in a value of type any an
// integer beyond 2^53 that a float64 cannot represent.
func JSON() Codec { return jsonCodec{} }

func builtin(c Codec) bool { return c == CBOR() || c == JSON() }

// basic reports whether t is a predeclared type without methods whose values share no
// memory with the decoded data.
func basic(t reflect.Type) bool {
	k := t.Kind()
	return t.PkgPath() == "" && (k < reflect.Complex64 || k == reflect.String)
}

type jsonCodec struct{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return marshalJSON(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

type cborCodec struct{}

func (cborCodec) Name() string { return "cbor" }

// Marshal encodes a value as CBOR. A value with a part that only marshals itself to JSON
// is stored as JSON text: CBOR would store only its exported fields, without an error. An
// interface may hold such a part.
func (cborCodec) Marshal(v any) ([]byte, error) {
	if !onlyJSON(reflect.TypeOf(v)) && !hidden(reflect.ValueOf(v), onlyJSON) {
		return cborEncoding.Marshal(v)
	}
	text, err := marshalJSON(v)
	if err != nil {
		return nil, err
	}
	return cborEncoding.Marshal(cbor.Tag{Number: tagJSON, Content: text})
}

func (cborCodec) Unmarshal(data []byte, v any) error {
	text, found, err := embeddedJSON(data)
	switch {
	case err != nil:
		return err
	case found:
		return json.Unmarshal(text, v)
	default:
		return cborDecoding.Unmarshal(data, v)
	}
}

// encode returns an encoded snapshot of *value.
func encode[T any](codec Codec, value *T) (txn.Value, error) {
	if codec == CBOR() {
		if v, ok := encodeBasic(value); ok {
			return v, nil
		}
	}
	data, err := codec.Marshal(value) // a pointer: it has the methods of both receivers
	return txn.Value{Data: data, Present: true}, err
}

// unknownCodec stands for a codec that is neither built in nor Config.Codec. Such sessions
// can be listed and ended; their values cannot be read.
type unknownCodec string

func (c unknownCodec) Name() string                { return string(c) }
func (c unknownCodec) Marshal(any) ([]byte, error) { return nil, records.UnknownFormat(string(c)) }
func (c unknownCodec) Unmarshal([]byte, any) error { return records.UnknownFormat(string(c)) }

// codec returns the codec of a format.
func (m *Manager) codec(format string) Codec {
	if format == m.engine.Format { // of most sessions
		return m.cfg.Codec
	}
	if codec, ok := m.codecs[format]; ok {
		return codec
	}
	return unknownCodec(format)
}

// knowsFormat reports whether the records of a format can be read.
func (m *Manager) knowsFormat(format string) bool {
	return format == m.engine.Format || m.codecs[format] != nil || format == records.OwnerIndexFormat
}

// embeddedJSON returns the text of a value that is stored as JSON.
func embeddedJSON(data []byte) (text []byte, found bool, err error) {
	if !bytes.HasPrefix(data, prefixJSON) {
		return nil, false, nil
	}
	err = cborDecoding.Unmarshal(data[len(prefixJSON):], &text)
	return text, true, err
}

const tagJSON = 262 // "embedded JSON object" in IANA's registry of CBOR tags

var (
	prefixJSON                 = []byte{0xd9, tagJSON >> 8, tagJSON & 0xff}
	cborEncoding, cborDecoding = cborModes()
)

func cborModes() (cbor.EncMode, cbor.DecMode) {
	// Deterministic CBOR by itself would truncate times to seconds, and store nothing of a
	// type that only marshals itself to text.
	enc := cbor.CoreDetEncOptions()
	enc.Time = cbor.TimeRFC3339Nano
	enc.TimeTag = cbor.EncTagRequired
	enc.TextMarshaler = cbor.TextMarshalerTextString
	encMode, err := enc.EncMode()
	if err != nil {
		panic(err)
	}
	decMode, err := cbor.DecOptions{
		// The limits restrict a hostile record to memory in proportion to its size.
		MaxNestedLevels:  32,
		MaxArrayElements: 1 << 17,
		MaxMapPairs:      1 << 16,
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		UTF8:             cbor.UTF8DecodeInvalid, // a Go string may hold any bytes
		IntDec:           cbor.IntDecConvertSignedOrBigInt,
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		TextUnmarshaler:  cbor.TextUnmarshalerTextString,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return encMode, decMode
}

var jsonTypes sync.Map // of reflect.Type to bool: the results of onlyJSON

// onlyJSON reports whether a value of type t may contain one that marshals itself to JSON
// and to no other format that CBOR uses. It cannot look into interfaces.
func onlyJSON(t reflect.Type) bool {
	if found, ok := jsonTypes.Load(t); ok {
		return found.(bool)
	}
	found := findJSON(t, map[reflect.Type]bool{})
	jsonTypes.Store(t, found)
	return found
}

func findJSON(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == nil || seen[t] || marshalsItself(t, cborMarshalers...) {
		return false
	}
	seen[t] = true
	if t.Kind() != reflect.Pointer && marshalsItself(t, jsonMethods.marshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return findJSON(t.Elem(), seen)
	case reflect.Map:
		return findJSON(t.Key(), seen) || findJSON(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); (f.IsExported() || f.Anonymous) && findJSON(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

var cborMarshalers = []reflect.Type{cborMethods.marshaler, binaryMethods.marshaler, textMethods.marshaler}

// marshalsItself reports whether t or a pointer to it implements one of marshalers.
func marshalsItself(t reflect.Type, marshalers ...reflect.Type) bool {
	return slices.ContainsFunc(marshalers, func(m reflect.Type) bool {
		return t.Implements(m) || reflect.PointerTo(t).Implements(m)
	})
}
