package scsholdfast

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Codec encodes values. It has the methods of scs's Codec, so that a codec that was
// written for scs can be used.
//
// Each value is encoded by itself: values has one element, whose key is that of the
// value, or "" if a [session.Key] sets it. The deadline is zero. Decode returns that
// element. An [Import] passes to Decode what scs has stored, with all values of a
// session.
type Codec interface {
	Encode(deadline time.Time, values map[string]any) ([]byte, error)
	Decode([]byte) (deadline time.Time, values map[string]any, err error)
}

// GobCodec is the default Codec: encoding/gob. Types other than basic ones must be
// registered with [gob.Register]. Single values are encoded more compactly than by Encode.
type GobCodec struct{}

// gobSession is what scs's codec encodes.
type gobSession struct {
	Deadline time.Time
	Values   map[string]any
}

// Encode returns the encoding that scs uses for a session.
func (GobCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(gobSession{deadline, values})
	return b.Bytes(), err
}

// Decode decodes a session that scs has encoded.
func (GobCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var s gobSession
	err := gob.NewDecoder(bytes.NewReader(b)).Decode(&s)
	return s.Deadline, s.Values, err
}

// encoded is a value that a valueCodec has encoded. A valueCodec stores it as it is.
type encoded []byte

// unencodable is the error of a value that cannot be encoded. No codec can encode it, so
// that the commit fails.
type unencodable string

// MarshalBinary implements encoding.BinaryMarshaler.
func (u unencodable) MarshalBinary() ([]byte, error) { return nil, errors.New(string(u)) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (u *unencodable) UnmarshalBinary([]byte) error { return errors.New(string(*u)) }

// valueCodec is the session.Codec of the values of a Codec.
type valueCodec struct {
	codec Codec
	name  string
	gob   bool // the codec is GobCodec
}

var _ session.Codec = valueCodec{}

func newValueCodec(c Codec) valueCodec {
	if _, ok := c.(GobCodec); ok || c == nil {
		return valueCodec{codec: c, name: "scs gob", gob: true}
	}
	return valueCodec{codec: c, name: "scs " + reflect.TypeOf(c).String()}
}

// Name implements session.Codec.
func (c valueCodec) Name() string { return c.name }

// Marshal implements session.Codec.
func (c valueCodec) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case *encoded:
		return *v, nil
	case *unencodable:
		return v.MarshalBinary()
	}
	return c.encode("", reflect.ValueOf(v).Elem().Interface())
}

// Unmarshal implements session.Codec. A value decodes into its own type, and into an
// interface that the type implements.
func (c valueCodec) Unmarshal(data []byte, v any) error {
	if v, ok := v.(*encoded); ok {
		*v = data
		return nil
	}
	val, err := c.decode(data)
	if err != nil {
		return err
	}
	into := reflect.ValueOf(v).Elem()
	switch {
	case val == nil:
		into.SetZero()
	case reflect.TypeOf(val).AssignableTo(into.Type()):
		into.Set(reflect.ValueOf(val))
	default:
		return fmt.Errorf("scsholdfast: the value is a %T and not a %s", val, into.Type())
	}
	return nil
}

// encode returns the encoded value of a key.
func (c valueCodec) encode(key string, val any) (encoded, error) {
	if !c.gob {
		return c.codec.Encode(time.Time{}, map[string]any{key: val})
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(&val)
	return b.Bytes(), err
}

func (c valueCodec) decode(v encoded) (val any, err error) {
	if c.gob {
		err = gob.NewDecoder(bytes.NewReader(v)).Decode(&val)
		return val, err
	}
	_, values, err := c.codec.Decode(v)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 {
		return nil, fmt.Errorf("scsholdfast: %T has decoded %d values where it has encoded one", c.codec, len(values))
	}
	for _, val = range values {
	}
	return val, nil
}

// logged returns the error of decode for a log line. Gob names only types. Another codec
// may quote the value.
func (c valueCodec) logged(err error) slog.Attr {
	if c.gob {
		return slog.Any("error", err)
	}
	return slog.String("codec", c.name)
}
