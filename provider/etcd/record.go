package etcd

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/holdfast-go/holdfast/provider"
)

// A record is one value: magic, version and expiry in 8 bytes each, the length of Format
// in one, Format, Data. All numbers are big-endian, so that etcd, which compares values
// byte by byte, can compare the version, and of records of one version the expiry. For
// the latter a record that does not expire has the greatest expiry there is.
const (
	magic      = "\xf5HF\x02" // a byte that is not valid in UTF-8, a name, the layout's number
	magicAbove = "\xf5HF\x03" // greater than every value that begins with magic
	headerSize = len(magic) + 8 + 8 + 1
	never      = math.MaxInt64
)

func encode(rec *provider.Record) string {
	b := make([]byte, 0, headerSize+len(rec.Format)+len(rec.Data))
	b = append(b, header(rec.Version, expiry(rec.ExpiresAt))...)
	b = append(b, byte(len(rec.Format)))
	b = append(b, rec.Format...)
	return string(append(b, rec.Data...))
}

// header returns the beginning of a record's value.
func header(version, expires int64) string {
	b := binary.BigEndian.AppendUint64([]byte(magic), uint64(version))
	return string(binary.BigEndian.AppendUint64(b, uint64(expires)))
}

func expiry(at time.Time) int64 {
	if at.IsZero() {
		return never
	}
	return provider.Millis(at)
}

// liveAbove is less than the value of every record of a version that is live at a time,
// and greater than that of every record of this version that has expired.
func liveAbove(version int64, now time.Time) string {
	return header(version, provider.Millis(now)+1)
}

// liveBelow is greater than the value of every record of a version, which is positive.
func liveBelow(version int64) string {
	return string(binary.BigEndian.AppendUint64([]byte(magic), uint64(version)+1))
}

// decode returns the record of a value. It keeps the value's memory.
func decode(id string, value []byte) (*provider.Record, error) {
	if len(value) < headerSize || string(value[:len(magic)]) != magic {
		return nil, errForeign
	}
	version, rest := value[len(magic):], value[headerSize:]
	expires, formatSize := int64(binary.BigEndian.Uint64(version[8:])), int(value[headerSize-1])
	if len(rest) < formatSize {
		return nil, errForeign
	}
	rec := &provider.Record{
		ID:      id,
		Version: int64(binary.BigEndian.Uint64(version)),
		Format:  string(rest[:formatSize]),
		Data:    slices.Clip(rest[formatSize:]),
	}
	if expires != never {
		rec.ExpiresAt = provider.FromMillis(expires)
	}
	return rec, nil
}

// only returns the record of the key that was read, expired or not; nil if there is none.
func only(id string, kvs []*mvccpb.KeyValue) (*provider.Record, error) {
	if len(kvs) == 0 {
		return nil, nil
	}
	return decode(id, kvs[0].Value)
}
