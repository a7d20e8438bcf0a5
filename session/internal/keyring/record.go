package keyring

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// MaxKeys is the maximum number of keys in a ring.
const MaxKeys = 64

// ErrUnreadable is wrapped by the error for a record that is not a ring, or not one that
// this version of the package can read. Such a record is never overwritten.
var ErrUnreadable = fmt.Errorf("%w: keyring", records.ErrUnreadable)

// Format is the Format of a ring's record.
const Format = "holdfast-keyring"

// The record's Data is
//
//	layout  byte, 1
//	count   byte, 1 to MaxKeys
//	count times, newest first, no two of the same date:
//	  from    8 bytes, big-endian: Unix time in milliseconds
//	  secret  32 bytes
//
// and not a byte more: two encodings of one ring are equal.
const (
	layout     = 1
	headerSize = 2
	keySize    = 8 + secretSize
)

func encode(keys []Key) []byte {
	data := make([]byte, 0, headerSize+len(keys)*keySize)
	data = append(data, layout, byte(len(keys)))
	for _, k := range keys {
		data = binary.BigEndian.AppendUint64(data, uint64(k.From.UnixMilli()))
		data = append(data, k.Secret...)
	}
	return data
}

// decode decodes a ring. It allocates only after the size is known to be correct. The
// keys share no memory with data.
func decode(data []byte) ([]Key, error) {
	switch {
	case len(data) < headerSize:
		return nil, unreadable("too short")
	case data[0] != layout:
		return nil, unreadable("unknown layout")
	case data[1] == 0 || data[1] > MaxKeys:
		return nil, unreadable("number of keys out of range")
	case len(data) != headerSize+int(data[1])*keySize:
		return nil, unreadable("wrong length")
	}
	keys := make([]Key, data[1])
	rest := bytes.Clone(data[headerSize:])
	for i := range keys {
		from := int64(binary.BigEndian.Uint64(rest))
		if from < 0 {
			return nil, unreadable("date out of range")
		}
		keys[i] = Key{Secret: rest[8:keySize:keySize], From: time.UnixMilli(from)}
		if i > 0 && !keys[i].From.Before(keys[i-1].From) {
			return nil, unreadable("keys out of order")
		}
		rest = rest[keySize:]
	}
	return keys, nil
}

func unreadable(why string) error { return fmt.Errorf("%w: %s", ErrUnreadable, why) }

// read reads the record of a ring.
func read(_ string, rec *provider.Record) (*Snapshot, error) {
	if rec == nil {
		return nil, unreadable("the provider returned neither a record nor an error")
	}
	if rec.Format != Format {
		return nil, unreadable("foreign format")
	}
	keys, err := decode(rec.Data)
	if err != nil {
		return nil, err
	}
	return &Snapshot{Keys: keys, version: rec.Version}, nil
}

// VersionNumber implements records.Value.
func (s *Snapshot) VersionNumber() int64 {
	if s == nil {
		return 0
	}
	return s.version
}

// Trace implements records.Value. A ring has no history: the outcome of a save is known
// only until another save has followed it.
func (s *Snapshot) Trace(commit int64) envelope.Lineage {
	if s.version == commit {
		return envelope.Ancestor
	}
	return envelope.NotAncestor
}

// Record implements records.Value.
func (s *Snapshot) Record(id string) *provider.Record {
	return &provider.Record{ID: id, Version: s.version, Format: Format, Data: encode(s.Keys)}
}

// UsesReserve implements records.Value.
func (s *Snapshot) UsesReserve() bool { return false }
