package broadcast

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// ListenerOptions configure a Listener.
type ListenerOptions struct {
	// Listen is provider.Listen. Nil means that the store cannot broadcast.
	Listen func(ctx context.Context, ready func(), heard func([]byte)) error

	// Heard also hears all that subscribers hear. Unlike a subscriber, it does not make the
	// Listener listen. It may be nil.
	Heard func(Kind, Tag)

	Logger *slog.Logger
}

// State says whether a Listener hears messages.
type State int

// The states of a Listener.
const (
	Silent      State = iota // messages may be missed
	Listening                // messages are heard
	Unsupported              // the store cannot broadcast; this state is final
)

// Subscriber gets what a Listener hears. Its functions are called from one goroutine at a
// time, and not inside of Subscribe and End. A call may be under way when End returns.
type Subscriber struct {
	State func(State)     // the state has changed: messages may have been missed
	Heard func(Kind, Tag) // a message says that of the tag
}

// Listener listens to the messages of other instances for all its subscribers, by one call
// of Listen. It has a goroutine from the first subscription to the last. It is safe for
// concurrent use.
type Listener struct {
	opts ListenerOptions

	mu            sync.Mutex
	subscriptions []*Subscription // replaced and not changed
	state         State
	running       bool               // the goroutine
	stop          context.CancelFunc // ends the call of Listen; nil: none is wanted
}

// Subscription is the membership of a Subscriber.
type Subscription struct {
	listener   *Listener
	subscriber Subscriber
}

// NewListener returns a Listener without subscribers.
func NewListener(o ListenerOptions) *Listener {
	l := &Listener{opts: o}
	if o.Listen == nil {
		l.state = Unsupported
	}
	return l
}

// State returns the present state.
func (l *Listener) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Subscribe adds a subscriber, which is told of every change of the state that is returned
// and of every message, until End.
func (l *Listener) Subscribe(s Subscriber) (*Subscription, State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sub := &Subscription{l, s}
	l.subscriptions = append(slices.Clip(l.subscriptions), sub)
	if !l.running && l.state != Unsupported {
		l.running = true
		go l.run()
	}
	return sub, l.state
}

// End ends the subscription. The last one ends the call of Listen.
func (s *Subscription) End() {
	l := s.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subscriptions = slices.DeleteFunc(slices.Clone(l.subscriptions), func(other *Subscription) bool { return other == s })
	if len(l.subscriptions) == 0 && l.stop != nil {
		l.stop()
		l.stop = nil
		if l.state == Listening {
			l.state = Silent
		}
	}
}
