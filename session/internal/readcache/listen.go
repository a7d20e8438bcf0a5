package readcache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

// listening is the state of a Cache that hears which sessions have ended. It listens while
// copies are asked for.
type listening struct {
	deaf  atomic.Bool  // the store cannot broadcast: the age of a copy alone decides
	heard atomic.Bool  // messages are heard
	used  atomic.Int64 // when a copy was last asked for, in Unix seconds

	mu  sync.Mutex // a Listener may be called with mu held, and calls nothing then
	now *hearing   // nil while it does not listen
}

// hearing is one subscription of the Listener's messages.
type hearing struct {
	cache        *Cache
	subscription *broadcast.Subscription
	unused       *time.Timer
}

// unusedTime is the time without a request after which a Cache stops to listen. Nothing
// else ends it, since a Manager needs no closing.
const unusedTime = time.Minute

// trusted reports whether an end of a session by another instance would be noticed, or
// cannot be told.
func (c *Cache) trusted() bool { return c.listening.heard.Load() || c.listening.deaf.Load() }

// used records that a copy is asked for, begins to listen, and reports whether copies may
// be used.
func (c *Cache) used(now time.Time) bool {
	l := &c.listening
	if l.deaf.Load() {
		return true
	}
	if at := now.Unix(); l.used.Load() != at {
		l.used.Store(at)
		c.start()
	}
	return c.trusted()
}

// start begins to listen, unless that has begun.
func (c *Cache) start() {
	l := &c.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil || l.deaf.Load() {
		return
	}
	h := &hearing{cache: c}
	l.now = h
	h.unused = time.AfterFunc(unusedTime, h.endIfUnused)
	var state broadcast.State
	h.subscription, state = c.opts.Listener.Subscribe(broadcast.Subscriber{State: h.stateChanged, Heard: h.heard})
	h.note(state)
}

// endIfUnused stops to listen if no copy was asked for.
func (h *hearing) endIfUnused() {
	l := &h.cache.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != h {
		return
	}
	if left := unusedTime - time.Since(time.Unix(l.used.Load(), 0)); left > 0 {
		h.unused.Reset(left)
		return
	}
	h.end()
	h.note(broadcast.Silent)
}

// end ends the subscription, with listening.mu held.
func (h *hearing) end() {
	l := &h.cache.listening
	h.unused.Stop()
	h.subscription.End()
	l.now = nil
	l.used.Store(0)
}

// heard removes the copy of a session that has ended, says a message.
func (h *hearing) heard(kind broadcast.Kind, tag broadcast.Tag) {
	if kind == broadcast.Ended {
		h.cache.removeTag(tag)
	}
}

// stateChanged is called when messages begin to be heard, or are heard no longer.
func (h *hearing) stateChanged(state broadcast.State) {
	l := &h.cache.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == h {
		h.note(state)
	}
}

// note records whether messages are heard, with listening.mu held. Whenever that changes,
// the end of a session may have been missed since its copy was read.
func (h *hearing) note(state broadcast.State) {
	c := h.cache
	l := &c.listening
	switch state {
	case broadcast.Listening:
		c.clear()
		l.heard.Store(true)
	case broadcast.Silent:
		l.heard.Store(false)
		c.clear()
	case broadcast.Unsupported:
		h.end()
		l.deaf.Store(true)
	}
}
