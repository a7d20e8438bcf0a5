package scsholdfast

import (
	"bytes"
	"log/slog"
	"reflect"
	"sync"
	"time"
)

// entry is the decoded value of a key, which a request keeps so that Get returns the same
// pointer, map or slice every time.
type entry struct {
	encoded encoded // the value of the key that value belongs to
	value   any
	failed  bool // value cannot be encoded, so the commit will fail
}

// value returns the value of a key, and whether there is one.
func (d *data) value(key string) (any, bool) {
	e := d.entries[key]
	if e != nil && e.failed {
		return e.value, true
	}
	v, ok := d.values.get(key)
	if !ok {
		return nil, false
	}
	if e != nil && bytes.Equal(e.encoded, v) {
		return e.value, true
	}
	val, err := d.core.codec.decode(v)
	if err != nil {
		d.core.logger.Error("scsholdfast: stored value does not decode and reads as absent",
			slog.String("key", key), d.core.codec.logged(err))
		return nil, false
	}
	d.keep(key, &entry{encoded: v, value: val})
	return val, true
}

// put sets a key to a value.
func (d *data) put(key string, val any) {
	v, err := d.core.codec.encode(key, val)
	if err != nil {
		d.values.fail(key, err)
		d.keep(key, &entry{value: val, failed: true})
		return
	}
	d.values.set(key, v)
	d.keep(key, &entry{encoded: v, value: val})
}

func (d *data) keep(key string, e *entry) {
	if d.entries == nil {
		d.entries = map[string]*entry{}
	}
	d.entries[key] = e
}

// saveInPlace sets the keys whose values were changed in place, if the session is to be
// saved.
func (d *data) saveInPlace() {
	if d.status != Modified {
		return
	}
	for key, e := range d.entries {
		if !e.failed && mutable(reflect.TypeOf(e.value)) && d.changedInPlace(key, e) {
			d.put(key, e.value)
		}
	}
}

// changedInPlace reports whether the value of an entry is not what its key holds.
func (d *data) changedInPlace(key string, e *entry) bool {
	v, err := d.core.codec.encode(key, e.value)
	if err == nil && bytes.Equal(v, e.encoded) {
		return false
	}
	if err == nil { // the bytes of equal maps may differ
		if stored, err := d.core.codec.decode(e.encoded); err == nil && reflect.DeepEqual(stored, e.value) {
			return false
		}
	}
	now, ok := d.values.get(key)
	return ok && bytes.Equal(now, e.encoded) // else it was replaced, by a Key or after a conflict
}

var mutableTypes sync.Map // of reflect.Type to bool: the results of mutable

// mutable reports whether a value of type t may be changed through a copy of it.
func mutable(t reflect.Type) bool {
	if t == nil {
		return false
	}
	if known, ok := mutableTypes.Load(t); ok {
		return known.(bool)
	}
	found := refers(t)
	mutableTypes.Store(t, found)
	return found
}

var timeType = reflect.TypeFor[time.Time]()

func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return refers(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return false
		}
		for i := range t.NumField() {
			if refers(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}
