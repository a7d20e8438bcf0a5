package session

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// fidelity says which values of a type survive encoding and decoding by a built-in codec.
type fidelity int8

const (
	givesNone  fidelity = iota // no value, or only an empty one
	givesSome                  // it depends on the value
	givesEvery                 // every value, unexported fields aside
)

// rating is the fidelity of both built-in codecs for one type.
type rating struct{ cbor, json fidelity }

// rated is the rating of a type, and the reason if neither codec restores any value.
type rated struct {
	rating
	reason error
}

var ratings sync.Map // of reflect.Type to rated

// rate returns the rating of t.
func rate(t reflect.Type) rated {
	if found, ok := ratings.Load(t); ok {
		return found.(rated)
	}
	var r rated
	var reason error
	r.json, reason = (&rater{json: true}).top(t)
	r.cbor, r.reason = (&rater{json: onlyJSON(t)}).top(t) // of which CBOR stores JSON
	if reason == nil {
		r.reason = nil
	}
	ratings.Store(t, r)
	return r
}

// storable returns why no value of type t can ever be read back, or nil.
func storable(t reflect.Type) error { return rate(t).reason }

// rater rates types for one built-in codec.
type rater struct {
	json bool
	path []reflect.Type // from the outermost type to the one being rated
}

// top rates the type of a whole value, which must have something to store.
func (r *rater) top(t reflect.Type) (fidelity, error) {
	if err := storesNothing(t); err != nil {
		return givesNone, err
	}
	return r.rate(t, true)
}

// rate returns the fidelity of t, and the reason for givesNone. A value that is not
// addressable does not have the methods of its pointer type.
func (r *rater) rate(t reflect.Type, addressable bool) (fidelity, error) {
	if t.Kind() != reflect.Interface {
		if f, found := r.methods(t, addressable); found {
			return f, nil
		}
	}
	if r.deep(t) {
		return givesSome, nil
	}
	r.path = append(r.path, t)
	defer func() { r.path = r.path[:len(r.path)-1] }()
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return givesNone, fmt.Errorf("a %s cannot be encoded", t.Kind())
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return givesSome, nil
		}
		return givesNone, fmt.Errorf("nothing can be decoded into the interface %s: use a concrete type", t)
	case reflect.Map:
		return r.mapOf(t)
	case reflect.Pointer, reflect.Slice:
		return r.rate(t.Elem(), true)
	case reflect.Array:
		return r.rate(t.Elem(), addressable)
	case reflect.Struct:
		return r.fields(t, addressable)
	default:
		return givesEvery, nil
	}
}

// deep reports whether values of t may be nested deeper than the decoders allow: t
// contains itself, or is nested in very many types.
func (r *rater) deep(t reflect.Type) bool {
	const most = 24 // of the 32 levels of CBOR
	if len(r.path) >= most {
		return true
	}
	for _, outer := range r.path {
		if outer == t {
			return true
		}
	}
	return false
}

// pair is a pair of methods with which a type encodes and decodes itself.
type pair struct{ marshaler, unmarshaler reflect.Type }

var (
	jsonMethods   = pair{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler]()}
	textMethods   = pair{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}
	binaryMethods = pair{reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]()}
	cborMethods   = pair{reflect.TypeFor[cbor.Marshaler](), reflect.TypeFor[cbor.Unmarshaler]()}
)

// methods rates t by the first pair of methods of which it has one or both. If it has
// only one, the result depends on the value.
func (r *rater) methods(t reflect.Type, addressable bool) (f fidelity, found bool) {
	pairs := []pair{cborMethods, binaryMethods, textMethods}
	if r.json {
		pairs = []pair{jsonMethods, textMethods}
	}
	for _, p := range pairs {
		encodes, decodes := marshalsItself(t, p.marshaler), marshalsItself(t, p.unmarshaler)
		switch {
		case encodes && decodes && (addressable || t.Implements(p.marshaler)):
			return givesEvery, true
		case encodes || decodes:
			return givesSome, true
		}
	}
	return 0, false
}

func (r *rater) mapOf(t reflect.Type) (fidelity, error) {
	if t.Elem() == reflect.TypeFor[struct{}]() { // a set
		return r.key(t.Key())
	}
	key, err := r.key(t.Key())
	if key == givesNone {
		return key, err
	}
	elem, err := r.rate(t.Elem(), false)
	return min(key, elem), err
}

// key rates the keys of a map. JSON encodes a string key as it is, but decodes it with
// its methods.
func (r *rater) key(t reflect.Type) (fidelity, error) {
	f, err := r.rate(t, false)
	if r.json && t.Kind() == reflect.String && marshalsItself(t, textMethods.unmarshaler) {
		f = min(f, givesSome)
	}
	return f, err
}

func (r *rater) fields(t reflect.Type, addressable bool) (fidelity, error) {
	all := givesEvery
	for i := range t.NumField() {
		field := t.Field(i)
		if r.ignores(field) {
			continue
		}
		if !field.IsExported() && field.Type.Kind() == reflect.Pointer {
			return givesNone, fmt.Errorf("nothing can be decoded through the embedded pointer to %s, which is not exported: embed the struct itself", field.Type.Elem())
		}
		f, err := r.rate(field.Type, addressable)
		if f == givesNone {
			return givesNone, fmt.Errorf("field %s of %s: %w, or leave the field out by the tag `json:\"-\"`", field.Name, t, err)
		}
		all = min(all, f)
	}
	return all, nil
}

// ignores reports whether the codec leaves a field out.
func (r *rater) ignores(field reflect.StructField) bool {
	tag := field.Tag.Get("json")
	if own := field.Tag.Get("cbor"); !r.json && own != "" {
		tag = own
	}
	if tag == "-" {
		return true
	}
	if field.IsExported() {
		return false
	}
	inner := field.Type
	if inner.Kind() == reflect.Pointer {
		inner = inner.Elem()
	}
	return !field.Anonymous || inner.Kind() != reflect.Struct || withoutFields(inner) != nil
}

// storesNothing returns why nothing of a value of type t would be stored, or nil.
func storesNothing(t reflect.Type) error {
	for range 16 { // type T []T has no innermost element
		if marshalsItself(t, cborMarshalers...) || marshalsItself(t, jsonMethods.marshaler) {
			return nil
		}
		switch t.Kind() {
		case reflect.Struct:
			return withoutFields(t)
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

func withoutFields(t reflect.Type) error {
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && f.Tag.Get("json") != "-" && f.Tag.Get("cbor") != "-" {
			return nil
		}
	}
	return fmt.Errorf("%s has no exported field to encode", t)
}

// hidden calls found with the types of the values in interfaces within v, at any depth,
// until found returns true. Static types do not show them.
func hidden(v reflect.Value, found func(reflect.Type) bool) bool {
	return hiddenWithin(v, found, 0)
}

func hiddenWithin(v reflect.Value, found func(reflect.Type) bool, depth int) bool {
	if depth > 100 || v.IsValid() && !hides(v.Type()) {
		return false // the encoder refuses cyclic values
	}
	switch v.Kind() {
	case reflect.Interface:
		inner := v.Elem()
		return inner.IsValid() && (found(inner.Type()) || hiddenWithin(inner, found, depth+1))
	case reflect.Pointer:
		return hiddenWithin(v.Elem(), found, depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if hiddenWithin(v.Index(i), found, depth+1) {
				return true
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if hiddenWithin(iter.Key(), found, depth+1) || hiddenWithin(iter.Value(), found, depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); (f.IsExported() || f.Anonymous) && hiddenWithin(v.Field(i), found, depth+1) {
				return true
			}
		}
	}
	return false
}

var hiding sync.Map // of reflect.Type to bool: the results of hides

// hides reports whether a value of type t may contain an interface that a codec looks
// into.
func hides(t reflect.Type) bool {
	if found, ok := hiding.Load(t); ok {
		return found.(bool)
	}
	found := mayHide(t, map[reflect.Type]bool{})
	hiding.Store(t, found)
	return found
}

func mayHide(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t.Kind() == reflect.Interface {
		return true
	}
	if seen[t] || marshalsItself(t, cborMarshalers...) || marshalsItself(t, jsonMethods.marshaler) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return mayHide(t.Elem(), seen)
	case reflect.Map:
		return mayHide(t.Key(), seen) || mayHide(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); (f.IsExported() || f.Anonymous) && mayHide(f.Type, seen) {
				return true
			}
		}
	}
	return false
}
