package records

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// created remembers the records that this Store has created recently. If a session is not
// in the store a moment later, the store took it for expired or dropped it without an
// error, and the visitor would stay anonymous however often he signs in. Of two records
// in one slot the newer replaces the older, whose loss may then go unnoticed.
type created struct {
	seed  maphash.Seed
	slots [64]atomic.Pointer[creation]
}

type creation struct {
	id    string
	at    time.Time
	until time.Time // until then it must be stored, if only as a tombstone
}

// vanishingWindow is how long a created record is remembered, or half of its lifetime if
// that is shorter. Clocks that differ by less do little harm.
const vanishingWindow = time.Minute

func newCreated() *created { return &created{seed: maphash.MakeSeed()} }

func (c *created) slot(id string) *atomic.Pointer[creation] {
	return &c.slots[maphash.String(c.seed, id)%uint64(len(c.slots))]
}

// NoteCreated remembers a record that was just created.
func (s *Store) NoteCreated(id string, c *Content) {
	at := time.Now()
	s.created.slot(id).Store(&creation{id: id, at: at, until: at.Add(min(vanishingWindow, c.Expires.Std().Sub(at)/2))})
}

// Vanished reports whether the absent record must be in the store, and how long ago it
// was created.
func (s *Store) Vanished(id string) (ago time.Duration, vanished bool) {
	one, now := s.created.slot(id).Load(), time.Now()
	if one == nil || one.id != id || !now.Before(one.until) {
		return 0, false
	}
	return now.Sub(one.at), true
}
