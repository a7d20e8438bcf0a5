package records

import (
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// OwnerIndexFormat is the Format of the records that list the sessions of an owner or of
// another label.
const OwnerIndexFormat = "holdfast-owner-index"

// Content is the content of a record at one version. It does not change after it is
// encoded, because the states of a session share it. Version 0 means that the session is
// not stored.
type Content struct {
	envelope.Envelope
	Version int64
	Expires envelope.Time
	Format  string // of the values

	data []byte // of one that is to be saved: the record's Data
}

// NewContent returns the content of a session that is not stored.
func NewContent(format string) *Content {
	c := &Content{Format: format}
	c.Created = Now()
	c.Started = c.Created
	return c
}

// Now returns the time to the millisecond, as records keep it.
func Now() envelope.Time { return envelope.TimeOf(time.Now()) }

// VersionNumber returns the version that a Save has to expect if c is stored. It is 0 for
// nil.
func (c *Content) VersionNumber() int64 {
	if c == nil {
		return 0
	}
	return c.Version
}

// Trace reports whether that commit led to c.
func (c *Content) Trace(commit int64) envelope.Lineage { return c.History.Trace(c.Version, commit) }

// UsesReserve reports whether a save of c may use the provider's reserve. It may if c has
// an owner.
func (c *Content) UsesReserve() bool { return c.Owner != "" }

// IsOwnerIndex reports whether c lists the sessions of an owner or of another label.
func (c *Content) IsOwnerIndex() bool { return c.Format == OwnerIndexFormat }

// Size returns the number of bytes of an encoded c that count against MaxSize. The
// history and the fields do not count, because they grow without the program's doing: a
// session of any size can take a lease.
func (c *Content) Size() int { return len(c.data) - len(c.History) - c.Fields.Size() }

// Follow returns the content that continues the session of base as of now, without its
// values. The caller has to encode it.
func Follow(base *Content) *Content {
	next := &Content{Format: base.Format}
	next.Created, next.Started, next.Deadline, next.Seen = base.Created, base.Started, base.Deadline, Now()
	next.Owner, next.Fields = base.Owner, base.Fields
	return next
}

// EncodeAfter makes c the version after prev, which is nil for a new record. Its entries
// are kept with the edits applied.
func (c *Content) EncodeAfter(prev *Content, kept *envelope.Entries, edits []envelope.Edit) {
	if prev == nil {
		prev = new(Content)
	}
	c.Version = envelope.NextVersion(prev.Version)
	c.data = c.Encode(prev.Version, prev.History, kept, edits)
}

// Commits returns the number of a version's commit among those of its record.
func Commits(version int64) int64 { return version >> 32 }
