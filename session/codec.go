package session

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// Codec encodes the values of a session, each by itself. Equal values should
// give equal bytes: that is how setting a key to what it was is seen to change
// nothing.
//
// A session keeps the codec it began with, and its record names it, so a
// Manager may be switched to another codec in operation. The built-in ones can
// always be read; a codec of your own only while it is the Config's.
type Codec interface {
	// Name goes into Record.Format.
	Name() string
	// Marshal encodes what v points to. It must not keep v.
	Marshal(v any) ([]byte, error)
	// Unmarshal decodes data into v, a pointer. It must not keep data nor
	// write to it.
	Unmarshal(data []byte, v any) error
}

// CBOR returns the default codec: RFC 8949 in its core deterministic form. It
// honours json tags, and the encoding.BinaryMarshaler, encoding.TextMarshaler
// and json.Marshaler of a type. Times keep their nanoseconds and their offset,
// and lose their location's name.
func CBOR() Codec { return cborCodec{} }

// JSON returns the codec for those who want to read their table. It costs
// several times what [CBOR] does.
func JSON() Codec { return jsonCodec{} }

func builtin(c Codec) bool { return c == CBOR() || c == JSON() }

// basic reports whether t is a predeclared type, without methods, whose values share no
// memory with what they were decoded from.
func basic(t reflect.Type) bool {
	k := t.Kind()
	return t.PkgPath() == "" && (k < reflect.Complex64 || k == reflect.String)
}

type jsonCodec struct{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

type cborCodec struct{}

func (cborCodec) Name() string { return "cbor" }

// A value with something in it that only knows JSON is stored as JSON text: CBOR
// would store the exported fields of it, and without an error nothing else.
func (cborCodec) Marshal(v any) ([]byte, error) {
	if !onlyJSON(reflect.TypeOf(v)) {
		return cborEncoding.Marshal(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return cborEncoding.Marshal(cbor.Tag{Number: tagJSON, Content: text})
}

func (cborCodec) Unmarshal(data []byte, v any) error {
	if !bytes.HasPrefix(data, prefixJSON) {
		return cborDecoding.Unmarshal(data, v)
	}
	var text []byte
	if err := cborDecoding.Unmarshal(data[len(prefixJSON):], &text); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

const tagJSON = 262 // "embedded JSON object" in IANA's registry of CBOR tags

var (
	prefixJSON                 = []byte{0xd9, tagJSON >> 8, tagJSON & 0xff}
	cborEncoding, cborDecoding = cborModes()
)

func cborModes() (cbor.EncMode, cbor.DecMode) {
	// Deterministic CBOR alone would cut times to seconds, and store nothing of
	// a type that only marshals itself to text.
	enc := cbor.CoreDetEncOptions()
	enc.Time = cbor.TimeRFC3339Nano
	enc.TimeTag = cbor.EncTagRequired
	enc.TextMarshaler = cbor.TextMarshalerTextString
	encMode, err := enc.EncMode()
	if err != nil {
		panic(err)
	}
	decMode, err := cbor.DecOptions{
		// The limits hold a hostile record to what its own size warrants.
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

var jsonTypes sync.Map // of reflect.Type to bool: what onlyJSON has found

// onlyJSON reports whether a value of type t may hold one that marshals itself
// to JSON and to nothing else that CBOR knows. It cannot see into interfaces.
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
	if t.Kind() != reflect.Pointer && marshalsItself(t, reflect.TypeFor[json.Marshaler]()) {
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

var cborMarshalers = []reflect.Type{
	reflect.TypeFor[cbor.Marshaler](),
	reflect.TypeFor[encoding.BinaryMarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](),
}

// marshalsItself reports whether t or a pointer to it implements any of these.
func marshalsItself(t reflect.Type, marshalers ...reflect.Type) bool {
	return slices.ContainsFunc(marshalers, func(m reflect.Type) bool {
		return t.Implements(m) || reflect.PointerTo(t).Implements(m)
	})
}

// storable says why no value of type t can ever be stored, or returns nil.
func storable(t reflect.Type) error {
	for range 16 { // type T []T has no innermost element
		if marshalsItself(t, cborMarshalers...) || marshalsItself(t, reflect.TypeFor[json.Marshaler]()) {
			return nil
		}
		switch t.Kind() {
		case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
			return fmt.Errorf("a %s cannot be encoded", t.Kind())
		case reflect.Struct:
			return storableStruct(t)
		case reflect.Map:
			if t.Elem() == reflect.TypeFor[struct{}]() { // a set
				return nil
			}
			t = t.Elem()
		case reflect.Pointer, reflect.Slice, reflect.Array:
			t = t.Elem()
		default:
			return nil
		}
	}
	return nil
}

func storableStruct(t reflect.Type) error {
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && f.Tag.Get("json") != "-" && f.Tag.Get("cbor") != "-" {
			return nil
		}
	}
	return fmt.Errorf("%s has no exported field to encode", t)
}
