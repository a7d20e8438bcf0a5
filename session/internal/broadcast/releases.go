package broadcast

import "sync"

// Releases wakes those who wait in this instance until a lease is released in another one.
// It subscribes to a Listener while somebody waits. It is safe for concurrent use.
type Releases struct {
	listener *Listener

	mu           sync.Mutex // the Listener may be called with mu held, and calls nothing then
	waits        map[notice]map[*Wait]struct{}
	subscription *Subscription // nil: nobody waits
	number       int           // of the subscription
	state        State         // that it was told
}

// Wait is the wait of one request.
type Wait struct {
	releases *Releases
	reasons  [2]notice
	told     chan struct{}
}

// NewReleases returns a Releases that listens to the messages of l.
func NewReleases(l *Listener) *Releases {
	return &Releases{listener: l, waits: map[notice]map[*Wait]struct{}{}}
}

// Await begins to wait for the lease of that holder, which is in the record of that ID.
// End ends the wait.
func (r *Releases) Await(holder Tag, id string) *Wait {
	w := &Wait{
		releases: r, reasons: [...]notice{{Released, holder}, {Ended, TagOf(id)}}, told: make(chan struct{}, 1),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reason := range w.reasons {
		if r.waits[reason] == nil {
			r.waits[reason] = map[*Wait]struct{}{}
		}
		r.waits[reason][w] = struct{}{}
	}
	if r.subscription == nil {
		r.subscribe()
	}
	return w
}

// subscribe begins to listen, with r.mu held.
func (r *Releases) subscribe() {
	r.number++
	number := r.number
	r.subscription, r.state = r.listener.Subscribe(Subscriber{
		State: func(state State) { r.stateChanged(number, state) },
		Heard: r.heard,
	})
}

// Told returns a channel that receives when the lease was released, says a message, or its
// session has ended, and when such a message may have been missed.
func (w *Wait) Told() <-chan struct{} { return w.told }

// Listening reports whether messages are heard.
func (w *Wait) Listening() bool {
	r := w.releases
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == Listening
}

// End ends the wait. The last one ends the subscription.
func (w *Wait) End() {
	r := w.releases
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reason := range w.reasons {
		delete(r.waits[reason], w)
		if len(r.waits[reason]) == 0 {
			delete(r.waits, reason)
		}
	}
	if len(r.waits) == 0 && r.subscription != nil {
		r.subscription.End()
		r.subscription = nil
	}
}

// heard wakes those who wait for that.
func (r *Releases) heard(kind Kind, tag Tag) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w := range r.waits[notice{kind, tag}] {
		w.tell()
	}
}

// stateChanged wakes all: they may have missed a message. A subscription that was ended
// tells nothing.
func (r *Releases) stateChanged(number int, state State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number != r.number {
		return
	}
	r.state = state
	for _, waits := range r.waits {
		for w := range waits {
			w.tell()
		}
	}
}

func (w *Wait) tell() {
	select {
	case w.told <- struct{}{}:
	default:
	}
}
