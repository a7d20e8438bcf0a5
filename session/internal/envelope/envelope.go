// Package envelope encodes and decodes the bytes of a session's record: its times, the
// versions that led to it, and its values, each still encoded.
//
//	byte     layout, 2
//	byte     kind: 0 live, 1 tombstone
//	8 bytes  the end of the record's ID
//	uvarint  created, started, seen, deadline: Unix milliseconds; deadline 0: none
//	byte     number of commits in the history, then 4 bytes for each, newest first
//	tombstone: byte of flags: 1 ended from outside, 2 claimed by a login; uvarint
//	           length and bytes of the record IDs of the successor and of the claim
//	live:      uvarint length and bytes of the owner, uvarint number of entries,
//	           then for each, in ascending order of names, uvarint length and
//	           bytes of the name and of the value; an entry of the empty name holds
//	           what the library itself keeps: see Fields
//
// Layout 1 is still read. It lacks the 8 bytes of the ID, and of a tombstone the flags
// and the claim. The decoder is strict: one state has one encoding in each layout, and
// all else is an error.
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
	firstLayout = 1
	layout      = 2

	kindLive      = 0
	kindTombstone = 1

	flagOutside = 1
	flagLogin   = 2

	boundAt   = 2 // offset of the end of the record's ID
	boundSize = 8
)

// The errors of Decode.
var (
	ErrMalformed   = errors.New("malformed session record")
	ErrOtherRecord = errors.New("the content of another record")
)

// Envelope is the content of one record. Its slices are parts of the record's bytes,
// which are never modified, because several states of a session share them.
type Envelope struct {
	Created  Time // when the session began; a renewal keeps it
	Started  Time // when its lifetime began
	Seen     Time // when it was last used, as of the last save
	Deadline Time // when a persistent session ends; zero for others

	History History // the commits before this one

	Tombstone bool   // the session has ended
	Outside   bool   // it was ended by something other than a request of its browser
	Login     bool   // the session of the Claim was begun by a Renew
	Successor string // of a renewed session: the record ID of its successor
	Claim     string // of a tombstone: the record ID of the session that was begun over it

	Owner   string  // the user who owns the session; "": none
	Fields  Fields  // none in a tombstone
	Entries Entries // none in a tombstone
}

// Encode returns the bytes of e with the kept entries after the edits, which must have
// different names; it sorts them. The record follows one of that version and history;
// version 0 means that it follows none. Afterwards e.History and e.Entries are parts of
// the bytes. Bind then binds the bytes to a record.
func (e *Envelope) Encode(version int64, history History, kept *Entries, edits []Edit) []byte {
	var room [512]byte // enough for most heads, the part before the entries
	head := append(room[:0], layout, kindLive)
	head = append(head, make([]byte, boundSize)...)
	for _, t := range [...]Time{e.Created, e.Started, e.Seen, e.Deadline} {
		head = appendTime(head, t)
	}
	begin := len(head) + 1
	head = history.appendPushed(head, version)
	end := len(head)
	var data []byte
	if e.Tombstone {
		head[1] = kindTombstone
		head = append(head, e.flags())
		data = slices.Clone(appendBytes(appendBytes(head, e.Successor), e.Claim))
	} else {
		count, size := kept.after(edits)
		stored := count
		if e.Fields != "" {
			stored++
		}
		head = binary.AppendUvarint(appendBytes(head, e.Owner), uint64(stored))
		head = e.Fields.appendEntry(head)
		data = append(make([]byte, 0, len(head)+size), head...)
		data = kept.splice(data, edits)
		e.Entries = newEntries(count, data[len(head):])
	}
	e.History = data[begin:end:end]
	return data
}

func (e *Envelope) flags() (flags byte) {
	if e.Outside {
		flags |= flagOutside
	}
	if e.Login {
		flags |= flagLogin
	}
	return flags
}

// Bind binds bytes returned by Encode to the record of that ID. It returns a copy if they
// are already bound to another record, whose save may still be running.
func Bind(data []byte, id string) []byte {
	end := endOf(id)
	bound := data[boundAt : boundAt+boundSize]
	switch [boundSize]byte(bound) {
	case end:
		return data
	case [boundSize]byte{}:
	default:
		data = bytes.Clone(data)
		bound = data[boundAt : boundAt+boundSize]
	}
	copy(bound, end[:])
	return data
}

// endOf returns the end of a record's ID. The IDs of package session are hashes, so their
// ends differ.
func endOf(id string) (end [boundSize]byte) {
	copy(end[:], id[max(len(id)-boundSize, 0):])
	return end
}

func appendBytes[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Decode decodes the envelope of the record of that ID. It keeps data: entries are slices
// of it. It returns ErrOtherRecord if a store or a proxy has mixed up the replies to two
// requests.
func Decode(id string, data []byte) (Envelope, error) {
	var e Envelope
	if err := e.Decode(id, data); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

// Decode is the function Decode that sets e, which must be zero. After an error the value
// of e is undefined.
func (e *Envelope) Decode(id string, data []byte) error {
	d := decoder{rest: data}
	version := d.byte()
	kind := d.byte()
	switch version {
	case firstLayout:
	case layout:
		if end := endOf(id); !bytes.Equal(d.take(boundSize), end[:]) && !d.failed {
			return ErrOtherRecord
		}
	default:
		return ErrMalformed
	}
	e.Created, e.Started, e.Seen, e.Deadline = d.time(), d.time(), d.time(), d.time()
	e.History = d.history()
	switch kind {
	case kindLive:
		e.Owner = string(d.bytes())
		d.values(e)
	case kindTombstone:
		d.tombstone(e, version)
	default:
		d.failed = true
	}
	if d.failed || len(d.rest) != 0 {
		return ErrMalformed
	}
	return nil
}

func (d *decoder) tombstone(e *Envelope, version byte) {
	e.Tombstone = true
	if version == firstLayout {
		e.Successor = string(d.bytes())
		return
	}
	flags := d.byte()
	e.Outside, e.Login = flags&flagOutside != 0, flags&flagLogin != 0
	e.Successor, e.Claim = string(d.bytes()), string(d.bytes())
	d.failed = d.failed || flags != e.flags() || e.Login && e.Claim == ""
}

// decoder takes fields off the front of rest. After the first malformed field it returns
// zero values.
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
	if n <= 0 || n > 1 && d.rest[n-1] == 0 { // the second condition: a longer encoding of the same number
		d.failed = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

// maxMilli limits times to those that can be subtracted without overflow.
const maxMilli = math.MaxInt64 / int64(time.Millisecond)

func (d *decoder) time() Time {
	ms := d.uvarint()
	if d.failed || ms > uint64(maxMilli) {
		d.failed = true
		return 0
	}
	return Time(ms)
}

func (d *decoder) history() History {
	n := d.byte()
	if n > HistoryLimit {
		d.failed = true
	}
	return History(d.take(uint64(n) * tagSize))
}

func (d *decoder) values(e *Envelope) {
	count := d.uvarint()
	e.Fields = d.fields(&count)
	d.entries(&e.Entries, count)
}

func (d *decoder) entries(e *Entries, count uint64) {
	if d.failed || count > uint64(len(d.rest)/2) { // an entry takes at least two bytes
		d.failed = true
		return
	}
	encoded := d.rest
	e.count, e.marks = int(count), newMarks(int(count))
	var last []byte
	end := 0
	for i := range e.count {
		from := end
		name, nameEnd := bounds(encoded, from)
		if nameEnd >= 0 {
			_, end = bounds(encoded, nameEnd)
		}
		if nameEnd < 0 || end < 0 || i > 0 && bytes.Compare(last, encoded[name:nameEnd]) >= 0 {
			d.failed = true
			return
		}
		last = encoded[name:nameEnd]
		e.mark(i, from)
	}
	e.encoded, d.rest = encoded[:end], encoded[end:]
}
