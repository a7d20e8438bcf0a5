package providertest

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// A broadcastSubject is the providers that a rule is checked on. Like those of subject, its
// methods are the steps of a check: the first that fails sets err, later ones do nothing.
// They are for one goroutine only.
type broadcastSubject struct {
	ctx                  context.Context
	first, second, other provider.Provider
	err                  error
	listeners            []*listener
}

func (s *broadcastSubject) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// cleanUp ends the calls of Listen that still run.
func (s *broadcastSubject) cleanUp() {
	for _, l := range s.listeners {
		l.cancel()
		l.release()
	}
	for _, l := range s.listeners {
		select {
		case <-l.done:
		case <-s.ctx.Done():
		}
	}
}

// newMessage returns a message that nobody else broadcasts.
func newMessage() string { return "providertest-" + crand.Text() }

func newMessages(n int) []string {
	messages := make([]string, n)
	for i := range messages {
		messages[i] = newMessage()
	}
	return messages
}

// broadcast wants a Broadcast to succeed.
func (s *broadcastSubject) broadcast(p provider.Provider, messages ...string) {
	for _, message := range messages {
		if s.err != nil {
			return
		}
		if err := provider.Broadcast(s.ctx, p, []byte(message)); err != nil {
			s.failf("Broadcast of %d bytes: got error %q, want none", len(message), err)
		}
	}
}

// listen wants a Listen on p to begin.
func (s *broadcastSubject) listen(p provider.Provider) *listener {
	l := s.start(p, nil, nil)
	s.await(l)
	return l
}

// start calls Listen in a goroutine, without waiting for ready. Its functions also call
// onReady and onHeard unless these are nil.
func (s *broadcastSubject) start(p provider.Provider, onReady func(), onHeard func(message []byte)) *listener {
	ctx, cancel := context.WithCancel(s.ctx)
	l := &listener{
		cancel: cancel, onReady: onReady, onHeard: onHeard, heard: make(map[string]int),
		begun: make(chan struct{}), done: make(chan struct{}), released: make(chan struct{}),
	}
	s.listeners = append(s.listeners, l)
	go func() {
		defer close(l.done)
		err := provider.Listen(ctx, p, l.ready, l.hear)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err, l.over = err, true
	}()
	return l
}

// await wants Listen to call ready.
func (s *broadcastSubject) await(l *listener) {
	if s.err != nil {
		return
	}
	select {
	case <-l.begun:
	case <-l.done:
		s.failf("Listen: got error %v, want a call of ready", l.err)
	case <-s.ctx.Done():
		s.failf("Listen has not called ready: %w", context.Cause(s.ctx))
	}
}

// hears wants each message to be heard by each listener.
func (s *broadcastSubject) hears(messages []string, listeners ...*listener) {
	for _, l := range listeners {
		for _, message := range messages {
			s.until("a message is not heard", func() bool { return s.err != nil || l.count(message) > 0 || s.ended(l) })
		}
	}
}

// ended reports whether Listen has returned, which fails the check.
func (s *broadcastSubject) ended(l *listener) bool {
	select {
	case <-l.done:
		s.failf("Listen: got error %v before the end of its context", l.err)
		return true
	default:
		return false
	}
}

// wants done to be true in the end.
func (s *broadcastSubject) until(otherwise string, done func() bool) {
	for s.err == nil && !done() {
		timer := time.NewTimer(2 * time.Millisecond)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			s.failf("%s: %w", otherwise, context.Cause(s.ctx))
		}
	}
}

// stop cancels the context of a Listen and returns its error.
func (s *broadcastSubject) stop(l *listener) error {
	l.cancel()
	l.release()
	select {
	case <-l.done:
		return l.err
	case <-s.ctx.Done():
		s.failf("Listen does not end with its context: %w", context.Cause(s.ctx))
		return nil
	}
}

// flawless wants no listener to have noticed a mistake.
func (s *broadcastSubject) flawless(listeners ...*listener) {
	for _, l := range listeners {
		l.mu.Lock()
		if l.flaw != "" {
			s.failf("%s", l.flaw)
		}
		l.mu.Unlock()
	}
}

// A listener is a call of Listen.
type listener struct {
	cancel   context.CancelFunc
	onReady  func()
	onHeard  func(message []byte)
	begun    chan struct{} // closed by ready
	done     chan struct{} // closed after Listen has returned
	released chan struct{} // closed by release
	once     sync.Once

	mu      sync.Mutex
	heard   map[string]int // how often each message was heard
	isReady bool
	running bool   // one of the functions is running
	over    bool   // Listen has returned
	flaw    string // the first mistake that was noticed
	err     error  // the result of Listen
}

// release lets a function that waits for the end of the check return.
func (l *listener) release() { l.once.Do(func() { close(l.released) }) }

func (l *listener) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard[message]
}

// enter notes a call of one of the functions, and mistakes that it shows.
func (l *listener) enter(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.flaw != "":
	case l.over:
		l.flaw = name + " was called after Listen had returned"
	case l.running:
		l.flaw = name + " was called while another call was running"
	case name == "ready" && l.isReady:
		l.flaw = "ready was called twice"
	case name == "heard" && !l.isReady:
		l.flaw = "heard was called before ready"
	}
	l.running = true
}

func (l *listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
}

func (l *listener) ready() {
	l.enter("ready")
	defer l.leave()
	l.mu.Lock()
	again := l.isReady
	l.isReady = true
	l.mu.Unlock()
	if !again {
		close(l.begun)
	}
	if l.onReady != nil {
		l.onReady()
	}
}

func (l *listener) hear(message []byte) {
	l.enter("heard")
	defer l.leave()
	l.mu.Lock()
	l.heard[string(message)]++
	l.mu.Unlock()
	if l.onHeard != nil {
		l.onHeard(message)
	}
}
