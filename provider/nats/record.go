package nats

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	natsclient "github.com/nats-io/nats.go"

	"github.com/holdfast-go/holdfast/provider"
)

// A record is one message: magic, version and expiry in 8 bytes each, the length of
// Format in one, Format, Data. Numbers are big-endian.
const (
	magic      = "\xf5HF\x03" // a byte that is not valid in UTF-8, a name, the layout's number
	headerSize = len(magic) + 8 + 8 + 1
)

func encode(rec *provider.Record) []byte {
	b := make([]byte, 0, headerSize+len(rec.Format)+len(rec.Data))
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.Version))
	b = binary.BigEndian.AppendUint64(b, uint64(provider.Millis(rec.ExpiresAt)))
	b = append(b, byte(len(rec.Format)))
	b = append(b, rec.Format...)
	return append(b, rec.Data...)
}

// decode returns the record of a message. It keeps the message's memory.
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

// keys encodes IDs, since a key has letters, digits and some punctuation only.
var keys = base32.HexEncoding.WithPadding(base32.NoPadding)

// The keys are in parts, by a hash, each of which has parts again, so that List can ask
// for the names of one part at a time.
const (
	parts  = 16
	levels = 3
)

// part returns the name of a part, in the one that has it.
func part(n int) string { return strconv.FormatInt(int64(n), parts) + "." }

// subject returns the subject of a record's messages.
func (p *Provider) subject(id string) string {
	hash := sha256.Sum256([]byte(id))
	path := ""
	for _, b := range hash[:levels] {
		path += part(int(b) % parts)
	}
	return p.subjects(path + keys.EncodeToString([]byte(id)))
}

// subjects returns what the subjects of all records begin with, and then rest.
func (p *Provider) subjects(rest string) string { return "$KV." + p.bucket + "." + rest }

// id is the inverse of subject.
func (p *Provider) id(subject string) (id string, ok bool) {
	text, err := keys.DecodeString(subject[strings.LastIndexByte(subject, '.')+1:])
	id = string(text)
	return id, err == nil && provider.ValidateID(id) == nil && p.subject(id) == subject
}

// Headers of messages.
const (
	headerExpect    = "Nats-Expected-Last-Subject-Sequence"
	headerTTL       = "Nats-TTL"
	headerOperation = "KV-Operation" // of a marker
	headerReason    = "Nats-Marker-Reason"
)

const (
	// slack is how much later than its expiry a record is removed, so that a server or an
	// app whose clock is ahead does not remove what others still use.
	slack = time.Minute

	// markerTTL is how long the marker of a deletion stays. It is of no use to this package.
	markerTTL = time.Minute

	// maxTTL is 100 years. What lives longer is not removed, but expires all the same.
	maxTTL = 100 * 365 * 24 * time.Hour
)

// message returns the message that stores rec. If that has expired, it is a marker.
func (p *Provider) message(rec *provider.Record, now time.Time) *natsclient.Msg {
	if rec.Expired(now) {
		return p.marker(rec.ID)
	}
	m := natsclient.NewMsg(p.subject(rec.ID))
	m.Data = encode(rec)
	if life := rec.ExpiresAt.Sub(now); !rec.ExpiresAt.IsZero() && life < maxTTL {
		m.Header.Set(headerTTL, seconds(life+slack))
	}
	return m
}

// marker returns the message that deletes a record.
func (p *Provider) marker(id string) *natsclient.Msg {
	m := natsclient.NewMsg(p.subject(id))
	m.Header.Set(headerOperation, "DEL")
	m.Header.Set(headerTTL, seconds(markerTTL))
	return m
}

// seconds returns d rounded up, as a header has it.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
