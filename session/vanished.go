package session

import (
	"hash/maphash"
	"log/slog"
	"sync/atomic"
	"time"
)

// begun remembers the sessions that this Manager has begun lately. One that is not in
// the store a moment later was taken for expired or was dropped by it, without an error:
// the visitor would stay anonymous, however often he signs in. The newer of two sessions
// in a slot replaces the older one, which costs no more than a chance to notice.
type begun struct {
	seed   maphash.Seed
	slots  [64]atomic.Pointer[beginning]
	logged atomic.Int64 // when, in Unix seconds
}

type beginning struct {
	id    string
	at    time.Time
	until time.Time // it must be there, if only as a tombstone
}

// A session that was begun is looked for so long, or for half of its time. Clocks that
// differ by less do little harm.
const vanishingWindow = time.Minute

// vanishingInterval is how often sessions that have vanished are logged.
const vanishingInterval = time.Hour

func newBegun() *begun { return &begun{seed: maphash.MakeSeed()} }

func (b *begun) slot(id string) *atomic.Pointer[beginning] {
	return &b.slots[maphash.String(b.seed, id)%uint64(len(b.slots))]
}

// note remembers a session that was stored just now.
func (b *begun) note(id string, c *content) {
	at := time.Now()
	b.slot(id).Store(&beginning{id: id, at: at, until: at.Add(min(vanishingWindow, c.expires.Sub(at)/2))})
}

// vanished logs that the session of a valid cookie is absent, if it cannot be.
func (m *Manager) vanished(id string) {
	one, now := m.begun.slot(id).Load(), time.Now()
	if one == nil || one.id != id || !now.Before(one.until) {
		return
	}
	last := m.begun.logged.Load()
	if now.Unix()-last < int64(vanishingInterval.Seconds()) || !m.begun.logged.CompareAndSwap(last, now.Unix()) {
		return
	}
	m.cfg.Logger.Error("session: a session that was saved a moment ago is not in the store, so its visitor stays anonymous; "+
		"if the clock of the store is ahead of this machine's, synchronize both; else see whether the store evicts records, or was emptied",
		slog.String("public_id", id), slog.Duration("saved_ago", now.Sub(one.at)))
}
