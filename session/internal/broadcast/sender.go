// Package broadcast tells the other instances of an app, by the messages of a
// provider.Broadcaster, which sessions have ended and which leases were released, and hears
// what they tell. A message
// may be lost, late or forged: it is a reason to read the record and never a proof.
package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// SenderOptions configure a Sender. None has a default.
type SenderOptions struct {
	Broadcast func(ctx context.Context, message []byte) error // provider.Broadcast
	Context   func() (ctx context.Context, end func())        // of one call of Broadcast
	Logger    *slog.Logger
}

// Sender sends messages in the background. It has a goroutine while
// there is something to send. It is safe for concurrent use.
type Sender struct {
	opts SenderOptions

	mu          sync.Mutex
	queue       []notice
	queued      uint64 // tags that were ever put into the queue
	done        uint64 // tags that were sent, or given up after a failure
	flushes     []flush
	running     bool // the goroutine
	failing     bool // the last Broadcast has failed
	unsupported bool // the store cannot broadcast
}

// notice is what is to be told of a tag.
type notice struct {
	Kind
	Tag
}

// flush is a call of Flush.
type flush struct {
	until uint64 // what Sender.done has to reach
	over  chan struct{}
}

const (
	// maxQueued limits the queue. If the store does not keep up, later tags are dropped.
	maxQueued = 4096

	// flushTimeout limits Flush.
	flushTimeout = time.Second
)

// NewSender returns a Sender.
func NewSender(o SenderOptions) *Sender { return &Sender{opts: o} }

// SendEnded tells that the sessions of these records have ended. It does not wait. What
// comes while a message is being sent goes into the next one together.
func (s *Sender) SendEnded(ids ...string) {
	tags := make([]Tag, len(ids))
	for i, id := range ids {
		tags[i] = TagOf(id)
	}
	s.send(Ended, tags...)
}

// SendReleased tells that the holder of a lease that the tag names has released it. It does
// not wait.
func (s *Sender) SendReleased(holder Tag) { s.send(Released, holder) }

func (s *Sender) send(kind Kind, tags ...Tag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsupported {
		return
	}
	for _, tag := range tags[:min(len(tags), maxQueued-len(s.queue))] {
		s.queue = append(s.queue, notice{kind, tag})
		s.queued++
	}
	if !s.running && len(s.queue) > 0 {
		s.running = true
		go s.run()
	}
}

// Flush waits until everything that was passed to Send before was sent or given up, for a
// second at most.
func (s *Sender) Flush() {
	s.mu.Lock()
	if s.done == s.queued {
		s.mu.Unlock()
		return
	}
	f := flush{s.queued, make(chan struct{})}
	s.flushes = append(s.flushes, f)
	s.mu.Unlock()
	timer := time.NewTimer(flushTimeout)
	defer timer.Stop()
	select {
	case <-f.over:
	case <-timer.C:
	}
}

// run sends until the queue is empty.
func (s *Sender) run() {
	for kind, tags := s.next(0, nil); tags != nil; {
		ctx, end := s.opts.Context()
		err := s.opts.Broadcast(ctx, encode(kind, tags))
		end()
		kind, tags = s.next(len(tags), err)
	}
}

// next records the result of a Broadcast of n tags, and takes the next message from the
// queue. It returns nil if there is none.
func (s *Sender) next(n int, err error) (Kind, []Tag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += uint64(n)
	if n > 0 {
		s.note(err)
	}
	s.endFlushes()
	if len(s.queue) == 0 {
		s.running, s.queue = false, nil
		return 0, nil
	}
	kind := s.queue[0].Kind
	var tags []Tag
	for len(s.queue) > 0 && s.queue[0].Kind == kind && len(tags) < maxTags {
		tags = append(tags, s.queue[0].Tag)
		s.queue = s.queue[1:]
	}
	return kind, tags
}

// note records the result of a Broadcast. It logs the first of several failures.
func (s *Sender) note(err error) {
	if errors.Is(err, errors.ErrUnsupported) {
		s.unsupported = true
		s.done += uint64(len(s.queue))
		s.queue = nil
		return
	}
	if err != nil && !s.failing {
		s.opts.Logger.Warn("session: other instances could not be told that a session has ended, or a lease; they find out at their next check of a watched session, and their next look at the lease",
			slog.Any("error", err))
	}
	s.failing = err != nil
}

func (s *Sender) endFlushes() {
	left := s.flushes[:0]
	for _, f := range s.flushes {
		if f.until > s.done {
			left = append(left, f)
			continue
		}
		close(f.over)
	}
	clear(s.flushes[len(left):])
	s.flushes = left
}
