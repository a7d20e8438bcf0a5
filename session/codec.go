package session

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"

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
	// Marshal encodes v. It must not keep v.
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

type jsonCodec struct{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

type cborCodec struct{}

func (cborCodec) Name() string                       { return "cbor" }
func (cborCodec) Marshal(v any) ([]byte, error)      { return cborEncoding.Marshal(v) }
func (cborCodec) Unmarshal(data []byte, v any) error { return cborDecoding.Unmarshal(data, v) }

var cborEncoding, cborDecoding = cborModes()

func cborModes() (cbor.EncMode, cbor.DecMode) {
	// Deterministic CBOR alone would cut times to seconds and store nothing of
	// a type that only marshals itself to text or JSON, both without an error.
	enc := cbor.CoreDetEncOptions()
	enc.Time = cbor.TimeRFC3339Nano
	enc.TimeTag = cbor.EncTagRequired
	enc.TextMarshaler = cbor.TextMarshalerTextString
	enc.JSONMarshalerTranscoder = jsonToCBOR{}
	encMode, err := enc.EncMode()
	if err != nil {
		panic(err)
	}
	decMode, err := cbor.DecOptions{
		// The limits hold a hostile record to what its own size warrants.
		MaxNestedLevels:           32,
		MaxArrayElements:          1 << 17,
		MaxMapPairs:               1 << 16,
		DupMapKey:                 cbor.DupMapKeyEnforcedAPF,
		IndefLength:               cbor.IndefLengthForbidden,
		UTF8:                      cbor.UTF8DecodeInvalid, // a Go string may hold any bytes
		IntDec:                    cbor.IntDecConvertSignedOrBigInt,
		DefaultMapType:            reflect.TypeFor[map[string]any](),
		TextUnmarshaler:           cbor.TextUnmarshalerTextString,
		JSONUnmarshalerTranscoder: cborToJSON{},
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return encMode, decMode
}

// A value of a type that only knows JSON is stored as a CBOR byte string of
// its JSON text.
type (
	jsonToCBOR struct{}
	cborToJSON struct{}
)

func (jsonToCBOR) Transcode(dst io.Writer, src io.Reader) error {
	text, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return err
	}
	item, err := cbor.Marshal(compact.Bytes())
	if err != nil {
		return err
	}
	_, err = dst.Write(item)
	return err
}

func (cborToJSON) Transcode(dst io.Writer, src io.Reader) error {
	item, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	var text []byte
	if err := cbor.Unmarshal(item, &text); err != nil {
		return err
	}
	_, err = dst.Write(text)
	return err
}

// storable says why no value of type t can ever be stored, or returns nil.
func storable(t reflect.Type) error {
	for range 16 { // type T []T has no innermost element
		if marshalsItself(t) {
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

var marshalers = []reflect.Type{
	reflect.TypeFor[cbor.Marshaler](),
	reflect.TypeFor[encoding.BinaryMarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](),
	reflect.TypeFor[json.Marshaler](),
}

func marshalsItself(t reflect.Type) bool {
	return slices.ContainsFunc(marshalers, func(m reflect.Type) bool {
		return t.Implements(m) || reflect.PointerTo(t).Implements(m)
	})
}
