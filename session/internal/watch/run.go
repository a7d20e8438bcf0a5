package watch

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// run watches from the first watcher to the last. Its fields are protected by Hub.mu.
type run struct {
	hub         *Hub
	stop        context.CancelFunc
	wake        chan struct{} // tells check that the schedule has changed
	sessions    map[broadcast.Tag][]*watched
	due         schedule
	checking    int    // checks that are under way
	unsubscribe func() // from messages
	listening   bool   // messages are heard
}

// watched is a session with its watchers, however many there are.
type watched struct {
	run      *run
	id       string
	watchers map[*watcher]struct{} // none: it is not watched any more

	at       time.Time // of the next check
	index    int       // in run.due; -1 while it is being checked
	again    time.Time // while it is being checked: when another check was asked for
	told     time.Time // when a message causes, or has last caused, a check
	failures int       // of the last checks
}

const (
	// maxChecks is the maximum number of checks at a time.
	maxChecks = 8

	// messagePause is the minimum time between two checks of a session that messages cause.
	// It limits what a flood of forged messages costs.
	messagePause = time.Second

	// spread is the time over which the checks of all sessions are spread for each session,
	// and maxSpread its maximum. All instances lose their connections at the same time.
	spread    = time.Millisecond
	maxSpread = 5 * time.Second
)

// find returns the session of that ID, or nil.
func (r *run) find(id string) *watched {
	for _, s := range r.sessions[broadcast.TagOf(id)] {
		if s.id == id {
			return s
		}
	}
	return nil
}

// add adds a watcher of the session of that ID. A session that was not watched before is
// checked at once: it may have ended since it was loaded.
func (r *run) add(w *watcher, id string) {
	s := r.find(id)
	if s == nil {
		s = &watched{run: r, id: id, watchers: map[*watcher]struct{}{}, at: time.Now()}
		tag := broadcast.TagOf(id)
		r.sessions[tag] = append(r.sessions[tag], s)
		heap.Push(&r.due, s)
		r.wakeUp()
	}
	w.session = s
	s.watchers[w] = struct{}{}
}

// remove removes a session that is not watched any more. If it was the last one, r ends.
func (r *run) remove(s *watched) {
	tag := broadcast.TagOf(s.id)
	at := slices.Index(r.sessions[tag], s)
	if at < 0 {
		return
	}
	if r.sessions[tag] = slices.Delete(r.sessions[tag], at, at+1); len(r.sessions[tag]) == 0 {
		delete(r.sessions, tag)
	}
	if s.index >= 0 {
		heap.Remove(&r.due, s.index)
	}
	if len(r.sessions) == 0 {
		r.stop()
		r.unsubscribe()
		r.hub.run = nil
	}
}

// checkAt makes the next check of s not later than at.
func (r *run) checkAt(s *watched, at time.Time) {
	switch {
	case s.index < 0:
		if s.again.IsZero() || at.Before(s.again) {
			s.again = at
		}
	case at.Before(s.at):
		s.at = at
		heap.Fix(&r.due, s.index)
		r.wakeUp()
	}
}

// checkAll checks all sessions soon.
func (r *run) checkAll() {
	n := len(r.sessions)
	var over time.Duration
	if n > maxChecks {
		over = min(time.Duration(n)*spread, maxSpread)
	}
	now := time.Now()
	for _, same := range r.sessions {
		for _, s := range same {
			r.checkAt(s, now.Add(records.Jitter(over)))
		}
	}
}

func (r *run) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// listen subscribes to messages, with Hub.mu held.
func (r *run) listen() {
	subscription, state := r.hub.opts.Listener.Subscribe(broadcast.Subscriber{State: r.stateChanged, Heard: r.heard})
	r.unsubscribe, r.listening = subscription.End, state == broadcast.Listening
}

// stateChanged records whether messages are heard. Whenever that changes, messages may have
// been missed.
func (r *run) stateChanged(state broadcast.State) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.listening = state == broadcast.Listening
	if state != broadcast.Unsupported {
		r.checkAll()
	}
}

// heard checks the sessions with that tag if they have ended according to a message.
func (r *run) heard(kind broadcast.Kind, tag broadcast.Tag) {
	if kind != broadcast.Ended {
		return
	}
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	now := time.Now()
	for _, s := range r.sessions[tag] {
		if !s.told.After(now) { // else that check will do
			s.told = later(now, s.told.Add(messagePause))
		}
		r.checkAt(s, s.told)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
