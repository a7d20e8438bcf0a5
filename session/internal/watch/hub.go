// Package watch ends contexts when sessions end, on whatever instance. The store is the
// truth: a watched session is read from time to time, and at once if a message of another
// instance gives reason to.
package watch

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Options configure a Hub. None has a default.
type Options struct {
	// Check reads a session. It returns when the session ends unless it is used before, an
	// error that wraps records.ErrEnded if it has ended, or another error if that cannot be
	// found out.
	Check func(id string) (expires time.Time, err error)

	// Listener hears the messages of other instances.
	Listener *broadcast.Listener

	// Interval is the maximum time between two checks of a session.
	Interval time.Duration
}

// Hub watches sessions. While there is one to watch, it has a goroutine, a subscription of
// the Listener, and a goroutine for each of a few checks at a time. It is safe for
// concurrent use.
type Hub struct {
	opts Options

	mu  sync.Mutex // a Listener may be called with mu held, and calls nothing then
	run *run       // nil while nothing is watched
}

// New returns a Hub.
func New(o Options) *Hub { return &Hub{opts: o} }

// watcher is one context that ends with a session.
type watcher struct {
	session *watched
	end     context.CancelCauseFunc
	forget  func() bool // the end of the context does not remove the watcher any more
}

// Watch returns a context that ends with the cause records.ErrEnded when the session of
// that ID has ended, or when ctx ends. An empty ID stands for a session that is not
// stored, which counts as ended.
func (h *Hub) Watch(ctx context.Context, id string) (context.Context, context.CancelFunc) {
	watching, end := context.WithCancelCause(ctx)
	if id == "" {
		end(records.ErrEnded)
		return watching, func() {}
	}
	w := &watcher{end: end}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		h.run = h.start()
	}
	h.run.add(w, id)
	w.forget = context.AfterFunc(watching, func() { h.remove(w) })
	return watching, func() {
		w.forget()
		end(nil)
		h.remove(w)
	}
}

// remove removes w. The last one ends the goroutines.
func (h *Hub) remove(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := w.session
	delete(s.watchers, w)
	if len(s.watchers) == 0 {
		s.run.remove(s)
	}
}

// start begins to watch, with h.mu held.
func (h *Hub) start() *run {
	ctx, stop := context.WithCancel(context.Background())
	r := &run{hub: h, stop: stop, wake: make(chan struct{}, 1), sessions: map[broadcast.Tag][]*watched{}}
	go r.check(ctx)
	r.listen()
	return r
}

// Look checks sessions at once that are said to have ended, as far as they are watched.
func (h *Hub) Look(ids ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		return
	}
	now := time.Now()
	for _, id := range ids {
		if s := h.run.find(id); s != nil {
			h.run.checkAt(s, now)
		}
	}
}

// Stats describe what a Hub does.
type Stats struct {
	Watchers  int  // contexts that have not ended
	Sessions  int  // that they watch
	Listening bool // messages of other instances are heard
}

// Stats returns what h does at present.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		return Stats{}
	}
	st := Stats{Listening: h.run.listening}
	for _, same := range h.run.sessions {
		for _, s := range same {
			st.Sessions++
			st.Watchers += len(s.watchers)
		}
	}
	return st
}
