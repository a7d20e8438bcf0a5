package epoch

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Format is the Format of the record.
const Format = "holdfast-epoch"

// The record's Data is
//
//	layout  byte, 1
//	epoch   8 bytes, big-endian: 1 to envelope.MaxEpoch
//	since   8 bytes, big-endian: Unix time in milliseconds
//
// and not a byte more.
const (
	layout = 1
	size   = 17
)

// state is what the record holds at one version.
type state struct {
	epoch   int64
	since   time.Time // when the epoch began, by the clock of the instance that began it
	version int64
}

// number returns the epoch; it is 0 if there is no record.
func (s *state) number() int64 {
	if s == nil {
		return 0
	}
	return s.epoch
}

// follow returns the state that follows old, which may be nil.
func follow(old *state, epoch int64, since time.Time) *state {
	return &state{epoch: epoch, since: since, version: envelope.NextVersion(old.VersionNumber())}
}

// decode decodes the record. A record that is malformed is an error, because it may have
// ended sessions.
func decode(_ string, rec *provider.Record) (*state, error) {
	if rec == nil || rec.Format != Format || !envelope.ValidVersion(rec.Version) {
		return nil, unreadable("it is not such a record")
	}
	epoch, since, err := Decode(rec.Data)
	if err != nil {
		return nil, err
	}
	return &state{epoch: epoch, since: since, version: rec.Version}, nil
}

// Decode returns the epoch that a record's Data hold, and when it began.
func Decode(data []byte) (epoch int64, since time.Time, err error) {
	if len(data) != size || data[0] != layout {
		return 0, time.Time{}, unreadable("its layout is unknown")
	}
	number, ms := binary.BigEndian.Uint64(data[1:]), binary.BigEndian.Uint64(data[9:])
	if number == 0 || number > envelope.MaxEpoch || ms > maxMilli {
		return 0, time.Time{}, unreadable("a number is out of range")
	}
	return int64(number), time.UnixMilli(int64(ms)), nil
}

// maxMilli limits times to those of four-digit years.
const maxMilli = 253402300799999

func unreadable(why string) error {
	return fmt.Errorf("%w: the record of RevokeEverything: %s", records.ErrUnreadable, why)
}

// VersionNumber implements records.Value.
func (s *state) VersionNumber() int64 {
	if s == nil {
		return 0
	}
	return s.version
}

// Trace implements records.Value. The record has no history: the outcome of a save is
// known only until another save has followed it.
func (s *state) Trace(commit int64) envelope.Lineage {
	if s.version == commit {
		return envelope.Ancestor
	}
	return envelope.NotAncestor
}

// Record implements records.Value.
func (s *state) Record(id string) *provider.Record {
	data := make([]byte, 1, size)
	data[0] = layout
	data = binary.BigEndian.AppendUint64(data, uint64(s.epoch))
	data = binary.BigEndian.AppendUint64(data, uint64(s.since.UnixMilli()))
	return &provider.Record{ID: id, Version: s.version, Format: Format, Data: data}
}

// UsesReserve implements records.Value. A full store must not keep sessions alive.
func (s *state) UsesReserve() bool { return true }
