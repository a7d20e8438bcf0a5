package gorillaholdfast

import (
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
)

// The keys of gorilla's Values are of any type, those of a session are names. A string
// is its own name, unless it is empty or begins with "(". Any other key has a name such
// as (int)3 or (example.org/app.key)0x1, and its value is stored as a keyed.

// keyed is the stored value of a key that is not a string.
type keyed struct{ Key, Value any }

const stringPrefix = "(string)"

// reservedName is the name of the Store's own value in a session. No key has it, because
// the type of a key is a predeclared one or has a dot or a bracket.
const reservedName = "(gorillaholdfast)"

func init() {
	gob.RegisterName("gorillaholdfast.keyed", keyed{})
	gob.Register(map[string]any{}) // in sessions to be imported from JSON; gorilla registers []any
}

// nameOf returns the name of a key, and whether it is that of a string.
func nameOf(key any) (name string, isString bool, err error) {
	if s, ok := key.(string); ok {
		if s == "" || s[0] == '(' {
			return stringPrefix + s, true, nil
		}
		return s, true, nil
	}
	t := reflect.TypeOf(key)
	if t == nil {
		return "", false, fmt.Errorf("gorillaholdfast: a key of Values is nil, which gob cannot encode; use a string")
	}
	if err := restorable(t); err != nil {
		return "", false, err
	}
	typeName := t.String()
	if t.PkgPath() != "" {
		typeName = t.PkgPath() + "." + t.Name()
	}
	return fmt.Sprintf("(%s)%#v", typeName, key), false, nil
}

// restorable returns an error if a key of type t would be another one after decoding.
func restorable(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return fmt.Errorf("gorillaholdfast: a key of Values is a %s, which is another key after decoding; use a string", t)
	case reflect.Array:
		return restorable(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if err := restorable(t.Field(i).Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyOf returns the key of a name and its value, from what decode has returned.
func keyOf(name string, stored any) (key, value any, err error) {
	switch {
	case strings.HasPrefix(name, stringPrefix):
		return name[len(stringPrefix):], stored, nil
	case !strings.HasPrefix(name, "("):
		return name, stored, nil
	}
	pair, ok := stored.(keyed)
	if !ok {
		return nil, nil, fmt.Errorf("gorillaholdfast: the value of %q has no key", name)
	}
	return pair.Key, pair.Value, nil
}
