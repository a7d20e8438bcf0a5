// Package listening is the common part of the providers' Listen methods: the queue between
// the goroutine that receives messages and the one that calls heard.
package listening

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// QueueLength is the number of messages that wait while heard runs, 1 MiB at most. One
// more ends Listen.
const QueueLength = 1024

// A Receiver receives messages from the store until ctx ends or the connection is lost,
// and returns why it has ended, never nil: an error for the caller of the provider's
// Listen. It calls begin once, as soon as it listens. It calls deliver with each message,
// also concurrently and before begin; deliver neither blocks nor keeps the message, and
// ignores messages of invalid length. The Receiver leaves no goroutine.
type Receiver func(ctx context.Context, begin func(), deliver func(message []byte)) error

// Listen runs receive in a goroutine of its own, and calls ready and heard in the caller's.
// It returns when receive has returned. Name is that of the provider's package.
func Listen(ctx context.Context, name string, ready func(), heard func(message []byte), receive Receiver) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	err := listen(ctx, ready, heard, receive)
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done() // the same deadline on a socket may have been a moment earlier
	}
	if errors.Is(err, errTooSlow) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%s: %w", name, over)
	}
	return err
}

func listen(ctx context.Context, ready func(), heard func(message []byte), receive Receiver) (err error) {
	q := newQueue()
	receiving, stop := context.WithCancel(ctx)
	defer func() { // also after a panic in ready or heard
		stop()
		if ended := <-q.ended; err == nil {
			err = ended
		}
	}()
	go func() { q.ended <- receive(receiving, q.begin, q.deliver) }()
	if !q.awaitBegin(receiving) {
		return nil
	}
	ready()
	return q.pass(receiving, heard)
}

// A queue holds the messages that heard has not been called with.
type queue struct {
	begun    chan struct{} // closed by begin
	messages chan []byte
	overflow chan struct{} // full: a message found no place
	ended    chan error    // the result of the Receiver
}

func newQueue() *queue {
	return &queue{
		begun:    make(chan struct{}),
		messages: make(chan []byte, QueueLength),
		overflow: make(chan struct{}, 1),
		ended:    make(chan error, 1),
	}
}

func (q *queue) begin() { close(q.begun) }

func (q *queue) deliver(message []byte) {
	if provider.ValidateMessage(message) != nil {
		return
	}
	select {
	case q.messages <- bytes.Clone(message):
	default:
		select {
		case q.overflow <- struct{}{}:
		default:
		}
	}
}

// end puts the result of the Receiver back, for the one who waits for its end.
func (q *queue) end(err error) { q.ended <- err }

// awaitBegin waits until the Receiver listens. It reports whether it does.
func (q *queue) awaitBegin(ctx context.Context) bool {
	select {
	case <-q.begun:
		return true
	case err := <-q.ended:
		q.end(err)
		return false
	case <-ctx.Done():
		return false
	}
}

var errTooSlow = fmt.Errorf("heard is too slow: more than %d messages wait for it", QueueLength)

// pass calls heard with each message. It returns an error if a message was lost, and nil
// if the Receiver or the context has ended.
func (q *queue) pass(ctx context.Context, heard func(message []byte)) error {
	for {
		select {
		case <-q.overflow:
			return errTooSlow
		case err := <-q.ended:
			q.end(err)
			return nil
		case <-ctx.Done():
			return nil
		default:
		}
		select {
		case message := <-q.messages:
			heard(message)
		case <-q.overflow:
			return errTooSlow
		case err := <-q.ended:
			q.end(err)
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
