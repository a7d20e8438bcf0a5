package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// A Listener is a call of provider.Listen that runs beside the test.
type Listener struct {
	tb     testing.TB
	cancel context.CancelFunc
	ready  chan struct{}
	done   chan struct{} // closed when Listen has returned

	mu       sync.Mutex
	messages map[string]int // how often each was heard
	err      error          // the result of Listen
}

// Listen calls provider.Listen, and returns when it has called ready. It ends with the
// test.
func Listen(tb testing.TB, p provider.Provider) *Listener {
	tb.Helper()
	l := StartListen(tb, p)
	select {
	case <-l.ready:
	case <-l.done:
		tb.Fatalf("Listen: got error %v, want a call of ready", l.err)
	case <-time.After(Patience):
		tb.Fatalf("Listen has not called ready after %v", Patience)
	}
	return l
}

// StartListen calls provider.Listen and does not wait for ready.
func StartListen(tb testing.TB, p provider.Provider) *Listener {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	l := &Listener{tb: tb, cancel: cancel, ready: make(chan struct{}), done: make(chan struct{}), messages: make(map[string]int)}
	tb.Cleanup(func() { cancel(); <-l.done })
	go func() {
		defer close(l.done)
		l.err = provider.Listen(ctx, p, func() { close(l.ready) }, l.hear)
	}()
	return l
}

// AwaitBegin waits until Listen has called ready or has returned.
func (l *Listener) AwaitBegin() {
	l.tb.Helper()
	select {
	case <-l.ready:
	case <-l.done:
	case <-time.After(Patience):
		l.tb.Fatalf("Listen has neither called ready nor returned after %v", Patience)
	}
}

func (l *Listener) hear(message []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages[string(message)]++
}

// Heard returns how often the message was heard.
func (l *Listener) Heard(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages[message]
}

// Want waits until the message is heard.
func (l *Listener) Want(message string) {
	l.tb.Helper()
	Eventually(l.tb, "a message is heard", func() bool {
		select {
		case <-l.done:
			l.tb.Fatalf("Listen: got error %v, want a message", l.err)
		default:
		}
		return l.Heard(message) > 0
	})
}

// End waits until Listen returns by itself, and returns its error.
func (l *Listener) End() error {
	l.tb.Helper()
	select {
	case <-l.done:
	case <-time.After(Patience):
		l.tb.Fatalf("Listen has not returned after %v", Patience)
	}
	return l.err
}

// Cancel cancels the context of Listen and returns its error.
func (l *Listener) Cancel() error {
	l.tb.Helper()
	l.cancel()
	return l.End()
}

// Broadcast wants provider.Broadcast to succeed.
func Broadcast(tb testing.TB, p provider.Provider, message string) {
	tb.Helper()
	if err := provider.Broadcast(tb.Context(), p, []byte(message)); err != nil {
		tb.Fatal(err)
	}
}

// Begun reports whether Listen has called ready.
func (l *Listener) Begun() bool { return isClosed(l.ready) }

// Ended reports whether Listen has returned.
func (l *Listener) Ended() bool { return isClosed(l.done) }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Total returns the number of messages that were heard.
func (l *Listener) Total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	total := 0
	for _, n := range l.messages {
		total += n
	}
	return total
}
