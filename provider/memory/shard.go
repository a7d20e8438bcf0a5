package memory

import (
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/expiring"
)

const (
	// sweepPerSave is the maximum number of expired records that a Save removes from its
	// shard. With at least two the number of expired records decreases, since a Save adds at
	// most one.
	sweepPerSave = 4

	// sweepWhenFull is the maximum number that a Save removes from all shards if it finds no
	// room. They free at least 64 KiB. In a store of a million records this takes half a
	// millisecond.
	sweepWhenFull = 512
)

// A shard holds the records of some IDs.
type shard struct {
	budget  *budget
	expired *expiring.Listeners

	mu      sync.Mutex
	entries map[string]*entry
	expiry  expiryQueue
	removed []*provider.Record // expired records that the listeners are to be told of
}

// now must be called with the lock held: after a wait for the lock, a Save must not use
// an older time, because others may have seen the record expire since.
func now() int64 { return time.Now().UnixMilli() }

func (s *shard) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

func (s *shard) fetch(id string) (content, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil || e.expired(now()) {
		return content{}, false
	}
	return e.content, true
}

// save stores c. A new record must leave left bytes of the budget.
func (s *shard) save(c content, expectVersion, left int64) error {
	defer s.tellExpired() // without the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	now := now()
	s.removeExpired(sweepPerSave, now)
	e := s.entries[c.rec.ID]
	if e != nil && e.expired(now) {
		s.removeAsExpired(e)
		e = nil
	}
	switch {
	case expectVersion < 0:
	case e == nil && expectVersion == 0:
	case e == nil:
		return &provider.ConflictError{}
	case expectVersion > 0 && e.rec.Version == expectVersion:
	case e.rec.Version == c.rec.Version:
		return nil // by an earlier attempt
	default:
		return &provider.ConflictError{Current: e.rec.Clone()} // a caller may modify the record of an error
	}
	return s.put(e, c, now, left)
}

// put stores c in e, or in a new entry if e is nil.
func (s *shard) put(e *entry, c content, now, left int64) error {
	switch {
	case c.expired(now):
		if e != nil {
			s.remove(e)
		}
		s.noteExpired(c)
		return nil
	case e != nil && c.cost() <= e.cost():
		s.budget.add(c.cost() - e.cost())
	case e != nil:
		if !s.budget.reserve(c.cost()-e.cost(), 0) {
			return errFull
		}
	case s.budget.reserve(c.cost(), left):
		e = &entry{place: unqueued}
	default:
		return errFull
	}
	e.content = c
	s.entries[c.rec.ID] = e // also if there is one: the map keeps the ID of the record, and no other copy
	s.expiry.update(e)
	return nil
}

func (s *shard) delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		s.remove(e)
	}
}

// sweep removes up to limit expired records and returns how many.
func (s *shard) sweep(limit int) int {
	defer s.tellExpired() // without the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeExpired(limit, now())
}

func (s *shard) removeExpired(limit int, now int64) int {
	for n := range limit {
		e := s.expiry.first()
		if e == nil || !e.expired(now) {
			return n
		}
		s.removeAsExpired(e)
	}
	return limit
}

func (s *shard) removeAsExpired(e *entry) {
	s.remove(e)
	s.noteExpired(e.content)
}

// noteExpired keeps the record for tellExpired, if anybody listens.
func (s *shard) noteExpired(c content) {
	if !s.expired.Any() {
		s.removed = nil
		return
	}
	s.removed = append(s.removed, c.rec) // which Tell clones
}

// tellExpired tells the listeners of the records that were removed.
func (s *shard) tellExpired() {
	if !s.expired.Any() {
		return
	}
	s.mu.Lock()
	removed := s.removed
	s.removed = nil
	s.mu.Unlock()
	for _, rec := range removed {
		s.expired.Tell(rec)
	}
}

func (s *shard) remove(e *entry) {
	s.expiry.drop(e)
	delete(s.entries, e.rec.ID)
	s.budget.add(-e.cost())
}
