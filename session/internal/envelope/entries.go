package envelope

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
	"sort"
)

// Entries are the values of a session, each under its name, in the encoding of the
// record. They are looked up in the encoded form, so that reading one of many values
// allocates nothing, and a hostile record of many tiny values does not either.
type Entries struct {
	count   int
	encoded []byte
	marks   []int // offsets of every stride-th entry except the first
}

// stride is the maximum number of entries that a search reads one by one.
const stride = 8

// Edit is the change of one entry.
type Edit struct {
	Name   string
	Value  []byte
	Text   string // continues Value
	Remove bool
}

// Len returns how many entries there are.
func (e *Entries) Len() int { return e.count }

// Size returns the number of their bytes in the record.
func (e *Entries) Size() int { return len(e.encoded) }

// Equal reports whether e and other have the same entries.
func (e *Entries) Equal(other *Entries) bool { return bytes.Equal(e.encoded, other.encoded) }

// Find returns the value of that name.
func (e *Entries) Find(name string) ([]byte, bool) {
	at := e.seek(name)
	return at.value, at.found
}

// All returns the entries in ascending order of names.
func (e *Entries) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for from := 0; from < len(e.encoded); {
			var name, value []byte
			name, value, from = e.at(from)
			if !yield(name, value) {
				return
			}
		}
	}
}

// With returns e after the edits, which must have different names.
func (e *Entries) With(edits []Edit) Entries {
	count, size := e.after(edits)
	return newEntries(count, e.splice(make([]byte, 0, size), edits))
}

func newEntries(count int, encoded []byte) Entries {
	e := Entries{count: count, encoded: encoded, marks: newMarks(count)}
	if e.marks == nil {
		return e
	}
	for i, from := 0, 0; i < count; i++ {
		e.mark(i, from)
		_, from = bounds(encoded, from)
		_, from = bounds(encoded, from)
	}
	return e
}

// newMarks returns a slice with room for the marks of that many entries.
func newMarks(count int) []int {
	if count <= stride {
		return nil
	}
	return make([]int, 0, (count-1)/stride)
}

// mark records that entry i begins at from, if searches may begin there.
func (e *Entries) mark(i, from int) {
	if i > 0 && i%stride == 0 {
		e.marks = append(e.marks, from)
	}
}

// place is the position of an entry, or the position where it would be inserted.
type place struct {
	from, to int
	value    []byte
	found    bool
}

func (e *Entries) seek(name string) place {
	from := 0
	if n := sort.Search(len(e.marks), func(i int) bool { have, _, _ := e.at(e.marks[i]); return string(have) > name }); n > 0 {
		from = e.marks[n-1]
	}
	for from < len(e.encoded) {
		have, value, to := e.at(from)
		if string(have) < name {
			from = to
			continue
		}
		if string(have) == name {
			return place{from, to, value, true}
		}
		break
	}
	return place{from: from, to: from}
}

// at returns the entry that begins at from, and where the next one begins.
func (e *Entries) at(from int) (name, value []byte, to int) {
	a, b := bounds(e.encoded, from)
	c, to := bounds(e.encoded, b)
	return e.encoded[a:b], e.encoded[c:to:to], to
}

// bounds returns the begin and end of the bytes whose length is encoded at from. The end
// is -1 if they are malformed.
func bounds(b []byte, from int) (begin, end int) {
	switch {
	case from < len(b) && b[from] < 0x80:
		begin = from + 1
		end = begin + int(b[from])
	case from+1 < len(b) && 0 < b[from+1] && b[from+1] < 0x80:
		begin = from + 2
		end = begin + (int(b[from]&0x7f) | int(b[from+1])<<7)
	default:
		return longBounds(b, from)
	}
	if end > len(b) {
		end = -1
	}
	return begin, end
}

func longBounds(b []byte, from int) (begin, end int) {
	d := decoder{rest: b[from:]}
	size := d.uvarint()
	if d.failed || size > uint64(len(d.rest)) {
		return 0, -1
	}
	begin = len(b) - len(d.rest)
	return begin, begin + int(size)
}

// after returns the number of entries and their length after the edits.
func (e *Entries) after(edits []Edit) (count, size int) {
	count, size = e.count, len(e.encoded)
	for _, edit := range edits {
		old := e.seek(edit.Name)
		size -= old.to - old.from
		if old.found {
			count--
		}
		if !edit.Remove {
			count++
			size += sizeOf(len(edit.Name)) + sizeOf(len(edit.Value)+len(edit.Text))
		}
	}
	return count, size
}

// splice appends the entries of e after the edits to data. It sorts the edits.
func (e *Entries) splice(data []byte, edits []Edit) []byte {
	slices.SortFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Name, b.Name) })
	done := 0
	for _, edit := range edits {
		old := e.seek(edit.Name)
		data = append(data, e.encoded[done:old.from]...)
		done = old.to
		if !edit.Remove {
			data = appendBytes(data, edit.Name)
			data = binary.AppendUvarint(data, uint64(len(edit.Value)+len(edit.Text)))
			data = append(append(data, edit.Value...), edit.Text...)
		}
	}
	return append(data, e.encoded[done:]...)
}

// sizeOf returns the length of n bytes together with the uvarint of their length.
func sizeOf(n int) int { return (bits.Len(uint(n|1))+6)/7 + n }
