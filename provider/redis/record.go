package redis

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/holdfast-go/holdfast/provider"
)

// A record is one string: magic, version and expiry in 8 bytes each, the length of
// Format in one, Format, Data. save.lua knows the first two.
const (
	magic      = "\xf5HF\x01" // a byte that is not valid in UTF-8, a name, the layout's number
	headerSize = len(magic) + 8 + 8 + 1
)

func valueSize(rec *provider.Record) int { return headerSize + len(rec.Format) + len(rec.Data) }

// encode copies all of rec, because the driver may still be sending after the call has
// ended with its context.
func encode(rec *provider.Record) []byte {
	b := make([]byte, 0, valueSize(rec))
	b = append(b, magic...)
	b = append(b, encodeVersion(rec.Version)...)
	b = binary.BigEndian.AppendUint64(b, uint64(provider.Millis(rec.ExpiresAt)))
	b = append(b, byte(len(rec.Format)))
	b = append(b, rec.Format...)
	return append(b, rec.Data...)
}

func encodeVersion(v int64) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(v)))
}

// decode returns the record of a value. It keeps the value's memory.
func decode(id string, value []byte) (*provider.Record, error) {
	if len(value) < headerSize || string(value[:len(magic)]) != magic {
		return nil, errForeign
	}
	version, rest := value[len(magic):], value[headerSize:]
	expires, formatSize := version[8:], int(value[headerSize-1])
	if len(rest) < formatSize {
		return nil, errForeign
	}
	return &provider.Record{
		ID:        id,
		Version:   int64(binary.BigEndian.Uint64(version)),
		ExpiresAt: provider.FromMillis(int64(binary.BigEndian.Uint64(expires))),
		Format:    string(rest[:formatSize]),
		Data:      slices.Clip(rest[formatSize:]),
	}, nil
}

// pxat returns the time at which Redis expires rec. Redis keeps a key during the
// millisecond of its expiry, in which the record must be absent already, and requires a
// positive time. A time in the past removes the key.
func pxat(rec *provider.Record) string {
	ms := provider.Millis(rec.ExpiresAt)
	if ms == 0 {
		return ""
	}
	return strconv.FormatInt(max(1, ms-1), 10)
}
