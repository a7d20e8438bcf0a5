package envelope

import (
	"iter"
	"slices"
)

// fieldsName is the name of the entry that holds the fields. No key has the empty name.
// Programs that do not know fields keep the entry like any other, so the record needs no
// new layout.
const fieldsName = ""

// Field is the number of a field.
type Field byte

// The fields. A number is never used again.
const (
	fieldLeases   Field = 1
	fieldBinding  Field = 2
	fieldLabels   Field = 3
	fieldTimes    Field = 4
	fieldEpoch    Field = 5
	fieldRotation Field = 6
)

// Fields are what the library itself keeps in a session besides the values, encoded as in
// the record. "" means none. For each field, in ascending order of numbers:
//
//	byte number, uvarint length and bytes of the value
//
// No value is empty. Fields of unknown numbers are kept: a newer version has stored them.
type Fields string

// get returns the value of a field, "" if it is absent.
func (f Fields) get(n Field) string {
	for rest := string(f); rest != ""; {
		number := Field(rest[0])
		length, after, ok := cutUvarint(rest[1:])
		if !ok || length > uint64(len(after)) {
			break
		}
		if number == n {
			return after[:length]
		}
		rest = after[length:]
	}
	return ""
}

// with returns f with that value of a field; "" removes the field.
func (f Fields) with(n Field, value string) Fields {
	var encoded []byte
	before := true
	put := func() {
		if before && value != "" {
			encoded = appendBytes(append(encoded, byte(n)), value)
		}
		before = false
	}
	for number, other := range f.all() {
		if number >= n {
			put()
		}
		if number != n {
			encoded = appendBytes(append(encoded, byte(number)), other)
		}
	}
	put()
	return Fields(encoded)
}

// all returns the fields in ascending order of numbers.
func (f Fields) all() iter.Seq2[Field, []byte] {
	return func(yield func(Field, []byte) bool) {
		for d := (decoder{rest: []byte(f)}); len(d.rest) > 0; {
			if n, value := d.field(); d.failed || !yield(n, value) {
				return
			}
		}
	}
}

func (d *decoder) field() (Field, []byte) { return Field(d.byte()), d.bytes() }

// appendEntry appends the entry that holds f, if there are any fields.
func (f Fields) appendEntry(dst []byte) []byte {
	if f == "" {
		return dst
	}
	return appendBytes(appendBytes(dst, fieldsName), string(f))
}

// Size returns the number of bytes that f takes in a record.
func (f Fields) Size() int {
	if f == "" {
		return 0
	}
	return sizeOf(len(fieldsName)) + sizeOf(len(f))
}

// fields takes the entry of the fields off the front of the entries, if there is one.
func (d *decoder) fields(count *uint64) Fields {
	if d.failed || *count == 0 || len(d.rest) == 0 || d.rest[0] != 0 {
		return ""
	}
	*count--
	d.take(1)
	encoded := d.bytes()
	if len(encoded) == 0 || !wellFormed(encoded) {
		d.failed = true
	}
	return Fields(encoded)
}

// wellFormed reports whether encoded is what Fields encode.
func wellFormed(encoded []byte) bool {
	d := decoder{rest: slices.Clip(encoded)}
	for last := Field(0); len(d.rest) > 0; {
		n, value := d.field()
		if d.failed || n <= last || len(value) == 0 || !valid(n, value) {
			return false
		}
		last = n
	}
	return true
}

// valid reports whether value is one of that field.
func valid(n Field, value []byte) bool {
	switch n {
	case fieldLeases:
		return validLeases(value)
	case fieldLabels:
		return validLabels(value)
	case fieldEpoch:
		return validEpoch(value)
	case fieldBinding:
		return validBinding(value)
	case fieldTimes:
		return validTimes(value)
	case fieldRotation:
		return validRotation(value)
	}
	return true
}
