// Package envelope knows the bytes of a session's record: its times, the
// versions that led to it, and its values, each still encoded.
//
//	byte     layout, 1
//	byte     kind: 0 live, 1 tombstone
//	uvarint  created, started, seen, deadline: Unix milliseconds; deadline 0: none
//	byte     number of commits in the history, then 4 bytes for each, newest first
//	tombstone: uvarint length and bytes of the successor's record ID
//	live:      uvarint length and bytes of the owner, uvarint number of entries,
//	           then for each, in ascending order of names, uvarint length and
//	           bytes of the name and of the value
//
// The decoder is strict: one state has one encoding, and all else is an error.
package envelope

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

const (
	layout = 1

	kindLive      = 0
	kindTombstone = 1
)

// ErrMalformed is returned for bytes that Encode did not make.
var ErrMalformed = errors.New("malformed session record")

// Envelope is the content of one record. Its slices are parts of the record's bytes,
// which are never written to: several states of a session share them.
type Envelope struct {
	Created  time.Time // when the session began; a renewal keeps it
	Started  time.Time // when its lifetime began
	Seen     time.Time // when it was last used, as far as that was saved
	Deadline time.Time // when a persistent session ends; zero for others

	History History // the commits before this one

	Tombstone bool   // the session is gone
	Successor string // of a renewed session: the record ID it went on under

	Owner   string  // the user whose session it is; "": nobody's
	Entries Entries // none in a tombstone
}

// Encode returns the bytes of e with these entries, once the edits are made, which are
// of different names and get sorted. The record follows one of that version and
// history; version 0: none. e.History and e.Entries are parts of the bytes from then on.
func (e *Envelope) Encode(version int64, history History, kept *Entries, edits []Edit) []byte {
	var room [512]byte // for most of what comes before the entries
	head := append(room[:0], layout, kindLive)
	for _, t := range [...]time.Time{e.Created, e.Started, e.Seen, e.Deadline} {
		head = appendTime(head, t)
	}
	begin := len(head) + 1
	head = history.appendPushed(head, version)
	end := len(head)
	var data []byte
	if e.Tombstone {
		head[1] = kindTombstone
		data = slices.Clone(appendBytes(head, e.Successor))
	} else {
		count, size := kept.after(edits)
		head = binary.AppendUvarint(appendBytes(head, e.Owner), uint64(count))
		data = append(make([]byte, 0, len(head)+size), head...)
		data = kept.splice(data, edits)
		e.Entries = newEntries(count, data[len(head):])
	}
	e.History = data[begin:end:end]
	return data
}

func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, 0)
	}
	return binary.AppendUvarint(dst, uint64(max(t.UnixMilli(), 0)))
}

func appendBytes[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Decode reads an envelope. It keeps data: entries are slices of it.
func Decode(data []byte) (Envelope, error) {
	d := decoder{rest: data}
	if d.byte() != layout {
		return Envelope{}, ErrMalformed
	}
	kind := d.byte()
	e := Envelope{Created: d.time(), Started: d.time(), Seen: d.time(), Deadline: d.time(), History: d.history()}
	switch kind {
	case kindLive:
		e.Owner, e.Entries = string(d.bytes()), d.entries()
	case kindTombstone:
		e.Tombstone, e.Successor = true, string(d.bytes())
	default:
		d.failed = true
	}
	if d.failed || len(d.rest) != 0 {
		return Envelope{}, ErrMalformed
	}
	return e, nil
}

// decoder takes fields off the front of rest. After the first field that does
// not fit it yields zero values.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) byte() byte {
	b := d.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (d *decoder) take(n uint64) []byte {
	if d.failed || n > uint64(len(d.rest)) {
		d.failed = true
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uvarint() uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 {
		v := d.rest[0]
		d.rest = d.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || n > 1 && d.rest[n-1] == 0 { // the second: a longer spelling of the same number
		d.failed = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

// maxMilli keeps times within what time.Time adds and subtracts without overflow.
const maxMilli = math.MaxInt64 / int64(time.Millisecond)

func (d *decoder) time() time.Time {
	ms := d.uvarint()
	if ms > uint64(maxMilli) {
		d.failed = true
	}
	if ms == 0 || d.failed {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

func (d *decoder) history() History {
	n := d.byte()
	if n > HistoryLimit {
		d.failed = true
	}
	return History(d.take(uint64(n) * tagSize))
}

func (d *decoder) entries() Entries {
	count := d.uvarint()
	if d.failed || count > uint64(len(d.rest)/2) { // an entry takes two bytes at least
		d.failed = true
		return Entries{}
	}
	e := Entries{count: int(count), encoded: d.rest, marks: newMarks(int(count))}
	var last []byte
	end := 0
	for i := range e.count {
		from := end
		name, nameEnd := bounds(e.encoded, from)
		if nameEnd >= 0 {
			_, end = bounds(e.encoded, nameEnd)
		}
		if nameEnd < 0 || end < 0 || i > 0 && bytes.Compare(last, e.encoded[name:nameEnd]) >= 0 {
			d.failed = true
			return Entries{}
		}
		last = e.encoded[name:nameEnd]
		e.mark(i, from)
	}
	e.encoded, d.rest = e.encoded[:end], e.encoded[end:]
	return e
}
