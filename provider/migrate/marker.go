package migrate

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// formatPrefix begins the Format of every record that this package writes for itself.
const formatPrefix = "holdfast-migrate/"

// The Formats of such records. Moving and held are followed by the fields of the record
// that they contain.
const (
	formatMoved    = formatPrefix + "moved"
	formatMoving   = formatPrefix + "moving"
	formatHeld     = formatPrefix + "held"
	formatReserved = formatPrefix + "reserved"
)

// IsMarker reports whether a record that was read from one of the stores directly, and not
// through a Provider of this package, is a marker or a reservation of this package. It is
// for tools: the record of such an ID is in the other store, or inside of the marker.
func IsMarker(rec *provider.Record) bool { return isReserved(rec.Format) }

func isReserved(format string) bool { return strings.HasPrefix(format, formatPrefix) }

// A state is what a store has under an ID.
type state int

const (
	absent      state = iota
	plain             // a record that from decides about
	moving            // a marker in from with a record that nobody changes, and that is being placed in to
	moved             // a marker in from: to decides
	reservation       // an entry in to where a record is about to be placed; it counts as absent
)

// An entry is what a store has under an ID.
type entry struct {
	state   state
	version int64            // in the store; that of the record may be another one
	rec     *provider.Record // plain or moving
}

// entryOf returns what a record of a store stands for. A nil record is absent.
func entryOf(stored *provider.Record) (entry, error) {
	if stored == nil {
		return entry{}, nil
	}
	e := entry{version: stored.Version}
	var err error
	switch kind, _, _ := strings.Cut(stored.Format, " "); {
	case !isReserved(stored.Format):
		e.state, e.rec = plain, stored
	case kind == formatMoved:
		e.state = moved
	case kind == formatReserved:
		e.state = reservation
	case kind == formatMoving:
		e.state = moving
		e.rec, err = unpack(stored)
	case kind == formatHeld:
		e.state = plain
		e.rec, err = unpack(stored)
	default:
		err = errBadMarker
	}
	return e, err
}

// movedMarker returns the marker that to decides about the ID. It never expires, so that it
// is known as long as the migration lasts, and it is not evicted by a policy for records
// that expire.
func movedMarker(id string) *provider.Record {
	return &provider.Record{ID: id, Version: newVersion(), Format: formatMoved}
}

// movingMarker returns the marker for a record that is being moved. It never expires: from
// then on the clock of to decides about the record.
func movingMarker(rec *provider.Record) *provider.Record {
	return pack(formatMoving, rec)
}

// stored returns rec as from keeps it. A record without a positive version cannot be
// replaced by compare-and-swap. So it is kept in a marker with a version.
func stored(rec *provider.Record) *provider.Record {
	if rec.Version > 0 {
		return rec
	}
	held := pack(formatHeld, rec)
	held.ExpiresAt = rec.ExpiresAt
	return held
}

// tombstone returns a record that has expired. Saved over a version, it deletes the record
// of that version and no other.
func tombstone(id string) *provider.Record {
	return &provider.Record{ID: id, Version: newVersion(), ExpiresAt: tombstoneExpiry}
}

var tombstoneExpiry = time.Unix(1, 0)

// isTombstone reports whether rec is what tombstone returns.
func isTombstone(rec *provider.Record) bool {
	return rec.Format == "" && len(rec.Data) == 0 && rec.ExpiresAt.Equal(tombstoneExpiry)
}

// reservationTime is how long a reservation is kept, and so how long one that arrives late
// may be seen. It exceeds what the clocks of the program and the new store may differ by.
const reservationTime = 2 * time.Minute

// reservationFor returns a reservation for rec. It is not smaller than rec: a store that
// accepts it has room for the record.
func reservationFor(rec *provider.Record) *provider.Record {
	data := make([]byte, sizeReserved(rec))
	copy(data, rec.Data)
	return &provider.Record{
		ID: rec.ID, Version: newVersion(), ExpiresAt: time.Now().Add(reservationTime),
		Format: formatReserved, Data: data,
	}
}

// sizeReserved returns the length of the Data of a reservation for rec.
func sizeReserved(rec *provider.Record) int { return len(rec.Data) + len(rec.Format) }

// maxOverhead is by how many bytes a marker may be longer than the record that it contains:
// the length of formatPrefix, a kind, and three numbers.
const maxOverhead = 72

// pack returns a marker that contains rec. Only the Format of rec is added to its Data, so
// the marker is longer by less than maxOverhead bytes.
func pack(format string, rec *provider.Record) *provider.Record {
	data := make([]byte, 0, len(rec.Data)+len(rec.Format))
	data = append(append(data, rec.Data...), rec.Format...)
	return &provider.Record{
		ID: rec.ID, Version: newVersion(), Data: data, Format: packedFormat(format, rec),
	}
}

// packedFormat returns the Format of a marker that contains rec.
func packedFormat(format string, rec *provider.Record) string {
	return fmt.Sprintf("%s %d %d %d", format, rec.Version, provider.Millis(rec.ExpiresAt), len(rec.Format))
}

// sizeMoving returns the length of the Format and the Data of movingMarker.
func sizeMoving(rec *provider.Record) int {
	return len(packedFormat(formatMoving, rec)) + sizeReserved(rec)
}

// unpack returns the record that a marker contains.
func unpack(marker *provider.Record) (*provider.Record, error) {
	var kind string
	var version, millis int64
	var formatSize int
	n, err := fmt.Sscanf(marker.Format, "%s %d %d %d", &kind, &version, &millis, &formatSize)
	if n != 4 || err != nil || formatSize < 0 || formatSize > min(len(marker.Data), provider.MaxFormatLength) {
		return nil, errBadMarker
	}
	size := len(marker.Data) - formatSize
	return &provider.Record{
		ID: marker.ID, Version: version, ExpiresAt: provider.FromMillis(millis),
		Format: string(marker.Data[size:]), Data: marker.Data[:size:size],
	}, nil
}

// newVersion returns a version that no other record has.
func newVersion() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
}
