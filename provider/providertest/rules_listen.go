package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// listenRules are the rules of Listen.
var listenRules = []broadcastRule{
	{
		"listen-ready",
		"A message whose Broadcast is called after ready was called is heard, even at once.",
		func(s *broadcastSubject) {
			for i := range 20 {
				within, after := newMessage(), newMessage()
				failed := make(chan error, 1)
				var once sync.Once
				l := s.start(s.first, func() {
					once.Do(func() { failed <- provider.Broadcast(s.ctx, s.first, []byte(within)) })
				}, nil)
				s.await(l)
				s.broadcast([]provider.Provider{s.first, s.second}[i%2], after)
				s.hears([]string{within, after}, l)
				if s.err != nil {
					return
				}
				if err := <-failed; err != nil {
					s.failf("Broadcast within ready: got error %q, want none", err)
				}
				_ = s.stop(l)
			}
		},
	},
	{
		"listen-order",
		"Listen calls ready once, before heard, and both functions from one goroutine at a time.",
		func(s *broadcastSubject) {
			for range 5 {
				stop := s.busy()
				l := s.start(s.second, nil, func([]byte) { runtime.Gosched() })
				s.await(l)
				messages := newMessages(20)
				s.broadcast(s.first, messages...)
				s.hears(messages, l)
				stop()
				_ = s.stop(l)
				s.flawless(l)
			}
		},
	},
	{
		"listen-again",
		"Listen can be called again and again, also while others listen.",
		func(s *broadcastSubject) {
			stays := s.listen(s.first)
			for range 5 {
				again := s.listen(s.first)
				messages := newMessages(2)
				s.broadcast(s.second, messages...)
				s.hears(messages, stays, again)
				_ = s.stop(again)
			}
			last := newMessages(1)
			s.broadcast(s.second, last...)
			s.hears(last, stays)
		},
	},
	{
		"listen-within",
		"Heard may call the provider, and broadcast.",
		func(s *broadcastSubject) {
			question, answer := newMessage(), newMessage()
			failed := make(chan error, 2)
			var once sync.Once
			l := s.start(s.first, nil, func(message []byte) {
				if string(message) == question {
					once.Do(func() {
						failed <- provider.Broadcast(s.ctx, s.first, []byte(answer))
						_, err := s.first.Fetch(s.ctx, answer)
						failed <- err
					})
				}
			})
			s.await(l)
			s.broadcast(s.first, question)
			s.hears([]string{question, answer}, l)
			if s.err != nil {
				return
			}
			if err := <-failed; err != nil {
				s.failf("Broadcast within heard: got error %q, want none", err)
			}
			if err := <-failed; !errors.Is(err, provider.ErrNotFound) {
				s.failf("Fetch within heard: got error %v, want ErrNotFound", err)
			}
		},
	},
	{
		"listen-owned",
		"Heard may keep the message and modify it: no other message changes, and no Listen hears the change.",
		func(s *broadcastSubject) {
			var mu sync.Mutex
			kept := make(map[string][]byte)
			keeps := s.start(s.first, nil, func(message []byte) {
				mu.Lock()
				defer mu.Unlock()
				kept[string(message)] = message
			})
			modifies := func(message []byte) {
				for i := range message {
					message[i] = '!'
				}
				_ = append(message, "changed"...)
			}
			listeners := []*listener{keeps, s.start(s.first, nil, modifies), s.start(s.first, nil, modifies), s.start(s.second, nil, modifies)}
			for _, l := range listeners {
				s.await(l)
			}
			messages := newMessages(20)
			s.broadcast(s.first, messages...)
			s.hears(messages, listeners...)
			mu.Lock()
			defer mu.Unlock()
			for message, now := range kept {
				if string(now) != message {
					s.failf("a message that was kept has changed")
				}
			}
		},
	},
	{
		"listen-context-ended",
		"With a context that has ended, Listen returns an error that wraps the context's, and calls neither function.",
		func(s *broadcastSubject) {
			cancelled, cancel := context.WithCancelCause(s.ctx)
			cancel(errors.New("a cause, which is not the context's error"))
			expired, cancel2 := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
			defer cancel2()
			for _, ctx := range []context.Context{cancelled, expired} {
				err := provider.Listen(ctx, s.first, func() { s.failf("ready was called") }, func([]byte) { s.failf("heard was called") })
				if !errors.Is(err, ctx.Err()) {
					s.failf("Listen: got error %v, want %v", err, ctx.Err())
				}
			}
		},
	},
	{
		"listen-context-meanwhile",
		"When its context ends, Listen returns an error that wraps the context's: at any moment, also before ready.",
		func(s *broadcastSubject) {
			if err := s.stop(s.listen(s.first)); s.err == nil && !errors.Is(err, context.Canceled) {
				s.failf("Listen, cancelled: got error %v, want %v", err, context.Canceled)
			}
			for i := range 20 {
				ctx, cancel := context.WithTimeout(s.ctx, time.Duration(i*i)*50*time.Microsecond)
				err := provider.Listen(ctx, s.first, func() {}, func([]byte) {})
				if !errors.Is(err, context.DeadlineExceeded) {
					s.failf("Listen that runs out of time: got error %v, want %v", err, context.DeadlineExceeded)
				}
				cancel()
			}
		},
	},
	{
		"listen-over",
		"After Listen has returned, it calls neither function.",
		func(s *broadcastSubject) {
			witness := s.listen(s.second)
			for range 10 {
				l := s.listen(s.first)
				messages := newMessages(20)
				s.broadcast(s.second, messages[:10]...)
				if err := s.stop(l); err == nil {
					s.failf("Listen: got no error, want %v", context.Canceled)
				}
				s.broadcast(s.second, messages[10:]...)
				s.hears(messages, witness)
				s.flawless(l)
			}
		},
	},
	{
		"listen-releases",
		"Listen leaves no goroutine.",
		func(s *broadcastSubject) {
			const calls = 20
			tag := newMessage()
			for range calls { // goroutines have the labels of the one that has started them
				pprof.Do(s.ctx, pprof.Labels(tag, tag), func(context.Context) {
					l := s.listen(s.first)
					s.broadcast(s.second, newMessage())
					_ = s.stop(l)
				})
			}
			s.until("goroutines remain", func() bool { return goroutines(tag) < calls/2 }) // a pool may keep some
		},
	},
	{
		"listen-slow",
		"If heard is slow, neither Broadcast nor another Listen waits for it. Its own Listen drops no message silently: it calls heard with each, or ends with an error.",
		func(s *broadcastSubject) {
			var slow *listener
			started := make(chan struct{})
			slow = s.start(s.first, func() { <-started }, func([]byte) { <-slow.released })
			close(started)
			quick := s.listen(s.second)
			s.await(slow)
			var all []string
			for range 30 {
				messages := newMessages(100)
				s.broadcast(s.second, messages...)
				s.hears(messages, quick)
				all = append(all, messages...)
			}
			if s.err != nil {
				return
			}
			slow.release()
			s.until("a slow Listen has dropped messages without an error", func() bool {
				select {
				case <-slow.done:
					return true
				default:
					return slow.total() >= len(all)
				}
			})
			s.failsIfNil(slow)
		},
	},
}

// failsIfNil wants a Listen that has returned to have an error.
func (s *broadcastSubject) failsIfNil(l *listener) {
	select {
	case <-l.done:
		if l.err == nil {
			s.failf("Listen: got no error at its end")
		}
	default:
	}
}

// total returns the number of different messages that were heard.
func (l *listener) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.heard)
}

// busy broadcasts messages until stop is called.
func (s *broadcastSubject) busy() (stop func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = provider.Broadcast(ctx, s.first, []byte(newMessage()))
			time.Sleep(time.Millisecond)
		}
	}()
	return func() { cancel(); <-done }
}

// goroutines returns the number of goroutines with this label.
func goroutines(label string) int {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		panic(err)
	}
	total, n := 0, 0
	for line := range strings.Lines(profile.String()) {
		var address string
		if _, err := fmt.Sscanf(line, "%d @ %s", &n, &address); err == nil {
			continue
		}
		if strings.HasPrefix(line, "# labels:") && strings.Contains(line, label) {
			total += n
		}
	}
	return total
}
