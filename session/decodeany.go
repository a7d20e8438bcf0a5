package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"strconv"

	"github.com/fxamacker/cbor/v2"
)

// The any codecs decode values of the built-in codecs whose type is not known, into
// values that encoding/json can encode.

type anyJSON struct{ jsonCodec }

// Unmarshal keeps the digits of numbers that a float64 cannot represent.
func (anyJSON) Unmarshal(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

type anyCBOR struct{ cborCodec }

func (anyCBOR) Unmarshal(data []byte, v any) error {
	text, found, err := embeddedJSON(data)
	switch {
	case err != nil:
		return err
	case found:
		return anyJSON{}.Unmarshal(text, v)
	}
	var x any
	if err := anyDecoding.Unmarshal(data, &x); err != nil {
		return err
	}
	*v.(*any) = toJSON(x)
	return nil
}

// anyDecoding is cborDecoding that also decodes maps whose keys are not strings.
var anyDecoding = func() cbor.DecMode {
	opts := cborDecoding.DecOptions()
	opts.DefaultMapType = reflect.TypeFor[map[any]any]()
	mode, err := opts.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// toJSON converts x, a decoded CBOR value, into types that JSON has, similar to RFC 8949,
// section 6.1.
func toJSON(x any) any {
	switch x := x.(type) {
	case map[any]any:
		m := make(map[string]any, len(x))
		for k, v := range x {
			m[jsonKey(k)] = toJSON(v)
		}
		return m
	case []any:
		for i := range x {
			x[i] = toJSON(x[i])
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	case big.Int:
		return &x // only a pointer marshals
	case cbor.Tag:
		return toJSON(x.Content)
	case cbor.ByteString:
		return []byte(x)
	}
	return x
}

func jsonKey(k any) string {
	switch k := toJSON(k).(type) {
	case []byte:
		return base64.StdEncoding.EncodeToString(k) // as encoding/json does with values
	default:
		return fmt.Sprint(k)
	}
}
