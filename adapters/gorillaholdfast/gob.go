package gorillaholdfast

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/holdfast-go/holdfast/session"
)

// Codec returns the codec of the values that a Store keeps: each is the gob of an
// interface that holds the value. Types of the program's own must be known to
// [gob.Register], as for gorilla's stores.
//
// With it, code that uses package session reads and changes the same values, so that an
// app can be moved key by key. A value that gorilla code knows as Values["visits"], an
// int, is that of session.NewKey[int]("visits"):
//
//	sessions, err := session.New(store, session.Config{
//		Codec:  gorillaholdfast.Codec(),
//		Cookie: session.Cookie{Name: "session-name"}, // as in store.Get(r, "session-name")
//	})
//
// Tools pass it to session.Inspect.
func Codec() session.Codec { return gobCodec{} }

type gobCodec struct{}

// Name implements session.Codec.
func (gobCodec) Name() string { return "gorilla-gob" }

// encoded is a value in the codec's encoding. A Key of it passes on what is stored.
type encoded []byte

// Marshal implements session.Codec.
func (gobCodec) Marshal(v any) ([]byte, error) {
	if data, ok := v.(*encoded); ok {
		return slices.Clone(*data), nil
	}
	return encode(reflect.ValueOf(v).Elem().Interface())
}

// Unmarshal implements session.Codec.
func (gobCodec) Unmarshal(data []byte, v any) error {
	if to, ok := v.(*encoded); ok {
		*to = slices.Clone(data)
		return nil
	}
	value, err := decode(data)
	if err != nil {
		return err
	}
	return assign(reflect.ValueOf(v).Elem(), value)
}

// assign sets to, of the type that the program expects, to a decoded value. Gob does not
// keep whether a value was behind a pointer.
func assign(to reflect.Value, value any) error {
	if value == nil {
		switch to.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
			to.SetZero()
			return nil
		}
		return fmt.Errorf("gorillaholdfast: nil is not a %s", to.Type())
	}
	from := reflect.ValueOf(value)
	switch {
	case from.Type().AssignableTo(to.Type()):
		to.Set(from)
	case to.Kind() == reflect.Pointer && from.Type() == to.Type().Elem():
		p := reflect.New(from.Type())
		p.Elem().Set(from)
		to.Set(p)
	default:
		return fmt.Errorf("gorillaholdfast: the stored value is a %s, not a %s", from.Type(), to.Type())
	}
	return nil
}

// none is the encoding of nil, which gob cannot represent. No message of gob is empty.
var none = encoded{0}

// encode returns the encoding of value.
func encode(value any) (encoded, error) {
	if value == nil {
		return none, nil
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(&value); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

var errTrailing = errors.New("gorillaholdfast: more than one value")

// decode returns the value in data.
func decode(data encoded) (value any, err error) {
	if bytes.Equal(data, none) {
		return nil, nil
	}
	r := bytes.NewReader(data)
	if err := gob.NewDecoder(r).Decode(&value); err != nil {
		return nil, err
	}
	if r.Len() > 0 {
		return nil, errTrailing
	}
	return value, nil
}

// same reports whether two encoded values are equal. The gob of a map has its elements in
// random order, and types have other numbers in every process, so values with different
// bytes are compared as they decode.
func same(a, b encoded) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, err := decode(a)
	if err != nil {
		return false
	}
	y, err := decode(b)
	return err == nil && reflect.DeepEqual(x, y)
}
