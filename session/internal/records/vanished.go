package records

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// created remembers the records that this Store has created lately. A session that is not
// in the store a moment later was taken for expired or was dropped by it, without an
// error: the visitor would stay anonymous, however often he signs in. The newer of two
// records in a slot replaces the older one, which costs no more than a chance to notice.
type created struct {
	seed  maphash.Seed
	slots [64]atomic.Pointer[creation]
}

type creation struct {
	id    string
	at    time.Time
	until time.Time // it must be there, if only as a tombstone
}

// A record that was created is looked for so long, or for half of its time. Clocks that
// differ by less do little harm.
const vanishingWindow = time.Minute

func newCreated() *created { return &created{seed: maphash.MakeSeed()} }

func (c *created) slot(id string) *atomic.Pointer[creation] {
	return &c.slots[maphash.String(c.seed, id)%uint64(len(c.slots))]
}

// NoteCreated remembers a record that was created just now.
func (s *Store) NoteCreated(id string, c *Content) {
	at := time.Now()
	s.created.slot(id).Store(&creation{id: id, at: at, until: at.Add(min(vanishingWindow, c.Expires.Sub(at)/2))})
}

// Vanished reports how long ago a record was created that is absent and cannot be.
func (s *Store) Vanished(id string) (ago time.Duration, vanished bool) {
	one, now := s.created.slot(id).Load(), time.Now()
	if one == nil || one.id != id || !now.Before(one.until) {
		return 0, false
	}
	return now.Sub(one.at), true
}
