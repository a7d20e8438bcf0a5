package owners

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	// pendingTTL is how long an entry may exist without its session. It is far longer than a
	// commit takes between the two saves, and than the clocks differ.
	pendingTTL = time.Hour

	// MaxEntries is the maximum number of entries in an index, which is read and written as
	// a whole and must fit the limit of every store.
	MaxEntries = 4096

	// longestSession is the longest lifetime of a session under any Config.
	longestSession = 400 * 24 * time.Hour
)

// entry is one session's entry in the index of a label that it has.
type entry struct {
	id     string
	since  envelope.Time
	commit int64  // the number of the session's commit that sets the label
	before string // tag of the session that this one is to replace; "": none
}

// removal returns the entry that removes the session of that ID, which has ended,
// whenever it was entered.
func removal(id string) entry { return entry{id: id, commit: math.MaxInt64} }

// tag returns the part of an ID by which an entry names the session that it is to
// replace. IDs are hashes, so their ends differ.
func tag(id string) string { return id[max(len(id)-8, 0):] }

// replaces reports whether e's session is to replace that of id.
func (e entry) replaces(id string) bool { return e.before != "" && e.before == tag(id) }

// stale reports whether the save that e was made for can no longer succeed, or has been
// followed by another. C is the content of e's record. An entry with a later commit than
// c belongs to a sign-in that is under way. A tombstone has no labels.
func (e entry) stale(c *records.Content, of records.Label, at envelope.Time) bool {
	switch {
	case c != nil && c.Has(of):
		return false
	case c != nil && e.commit <= records.Commits(c.Version):
		return true
	default:
		return !at.Before(e.since.Add(pendingTTL))
	}
}

// coveredBy reports whether removing o removes e, which belongs to the same session.
func (e entry) coveredBy(o entry) bool {
	return o.id == e.id && (o.commit > e.commit || o.commit == e.commit && !o.since.Before(e.since))
}

// expires returns when e's session must have ended under any Config.
func (e entry) expires() envelope.Time { return e.since.Add(longestSession + pendingTTL) }

// entriesOf returns the entries of an index whose sessions may be alive.
func entriesOf(c *records.Content, at envelope.Time) []entry {
	entries := []entry{}
	if c == nil {
		return entries
	}
	for name, value := range c.Entries.All() {
		ms, n := binary.Uvarint(value)
		value = value[max(n, 0):]
		commit, n := binary.Uvarint(value)
		e := entry{string(name), envelope.Time(ms), int64(commit), string(value[max(n, 0):])}
		if at.Before(e.expires()) {
			entries = append(entries, e)
		}
	}
	return entries
}

// newIndex returns the index of a label that follows old. It is kept as long as any of its sessions
// may live; an empty one, as long as a tombstone.
func newIndex(of records.Label, old *records.Content, entries []entry, at envelope.Time) *records.Content {
	next := records.Follow(&records.Content{Format: records.OwnerIndexFormat})
	next.Created, next.Started = at, at
	if of.Name == "" {
		next.Owner = of.Value
	} else {
		next.Fields = next.Fields.WithLabels(envelope.Labels("").With(of))
	}
	next.Expires = at.Add(records.TombstoneLifetime)
	var edits []envelope.Edit
	for _, e := range entries {
		value := binary.AppendUvarint(nil, uint64(e.since.UnixMilli()))
		value = binary.AppendUvarint(value, uint64(e.commit))
		edits = append(edits, envelope.Edit{Name: e.id, Value: append(value, e.before...)})
		if end := e.expires(); end.After(next.Expires) {
			next.Expires = end
		}
	}
	next.EncodeAfter(old, new(envelope.Entries), edits)
	return next
}

// has reports whether one of the entries belongs to the session id.
func has(entries []entry, id string) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.id == id })
}
