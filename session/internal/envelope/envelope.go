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
	"math/bits"
	"slices"
	"time"
)

const (
	layout = 1

	kindLive      = 0
	kindTombstone = 1
)

// MaxEntries returns how many values a record of that many bytes may hold. One of
// two bytes becomes an Entry of 48 in memory: without a limit a hostile record of
// 64 KiB would take 1.5 MiB to look at.
func MaxEntries(size int) int { return max(2048, size/20) }

// ErrMalformed is returned for bytes that Append did not make.
var ErrMalformed = errors.New("malformed session record")

// Envelope is the content of one record. Its slices are never written to once
// it is in use: several states of a session share them.
type Envelope struct {
	Created  time.Time // when the session began; a renewal keeps it
	Started  time.Time // when its lifetime began
	Seen     time.Time // when it was last used, as far as that was saved
	Deadline time.Time // when a persistent session ends; zero for others

	History History // the commits before this one

	Tombstone bool   // the session is gone
	Successor string // of a renewed session: the record ID it went on under

	Owner   string  // the user whose session it is; "": nobody's
	Entries []Entry // sorted by Name, without duplicates
}

// Entry is one value of a session.
type Entry struct {
	Name  []byte
	Value []byte
}

// Find returns the entry of that name.
func (e *Envelope) Find(name string) ([]byte, bool) {
	lo, hi := 0, len(e.Entries)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if string(e.Entries[mid].Name) < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(e.Entries) && string(e.Entries[lo].Name) == name {
		return e.Entries[lo].Value, true
	}
	return nil, false
}

// Append appends the encoding of e to dst.
func (e *Envelope) Append(dst []byte) []byte {
	dst = slices.Grow(dst, e.size())
	kind := byte(kindLive)
	if e.Tombstone {
		kind = kindTombstone
	}
	dst = append(dst, layout, kind)
	dst = appendTime(dst, e.Created)
	dst = appendTime(dst, e.Started)
	dst = appendTime(dst, e.Seen)
	dst = appendTime(dst, e.Deadline)
	dst = append(dst, byte(len(e.History)/tagSize))
	dst = append(dst, e.History...)
	if e.Tombstone {
		return appendBytes(dst, e.Successor)
	}
	dst = appendBytes(dst, e.Owner)
	dst = binary.AppendUvarint(dst, uint64(len(e.Entries)))
	for _, entry := range e.Entries {
		dst = appendBytes(dst, entry.Name)
		dst = appendBytes(dst, entry.Value)
	}
	return dst
}

// size returns an upper bound of the length of the encoding.
func (e *Envelope) size() int {
	n := 3 + 6*binary.MaxVarintLen64 + len(e.History) + len(e.Successor) + len(e.Owner)
	for _, entry := range e.Entries {
		n += sizeOf(entry.Name) + sizeOf(entry.Value)
	}
	return n
}

// sizeOf returns the length of b's encoding, its uvarint included.
func sizeOf(b []byte) int { return (bits.Len(uint(len(b)|1))+6)/7 + len(b) }

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
		e.Owner, e.Entries = string(d.bytes()), d.entries(MaxEntries(len(data)-len(e.History)))
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

func (d *decoder) entries(limit int) []Entry {
	n := d.uvarint()
	if n > uint64(min(limit, len(d.rest)/2)) { // an entry takes two bytes at least
		d.failed = true
	}
	if n == 0 || d.failed {
		return nil
	}
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{Name: d.bytes(), Value: d.bytes()}
		if i > 0 && bytes.Compare(entries[i-1].Name, entries[i].Name) >= 0 {
			d.failed = true
		}
		if d.failed {
			return nil
		}
	}
	return entries
}
