package providertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// broadcastRules are the rules of Broadcast.
var broadcastRules = []broadcastRule{
	{
		"broadcast",
		"A message reaches every Listen on the same records: on the same provider and on others.",
		func(s *broadcastSubject) {
			listeners := []*listener{s.listen(s.first), s.listen(s.first), s.listen(s.second), s.listen(s.second)}
			for _, p := range []provider.Provider{s.first, s.second} {
				messages := newMessages(5)
				s.broadcast(p, messages...)
				s.hears(messages, listeners...)
			}
		},
	},
	{
		"broadcast-apart",
		"A message does not reach a Listen on other records.",
		func(s *broadcastSubject) {
			here, there := s.listen(s.first), s.listen(s.other)
			ours, theirs := newMessages(20), newMessages(20)
			for i := range ours {
				s.broadcast(s.first, ours[i])
				s.broadcast(s.other, theirs[i])
			}
			s.hears(ours, here)
			s.hears(theirs, there)
			for i := range ours {
				if here.count(theirs[i])+there.count(ours[i]) > 0 {
					s.failf("a message is heard where the records are others")
				}
			}
		},
	},
	{
		"broadcast-once",
		"A message reaches each Listen at most once.",
		func(s *broadcastSubject) {
			listeners := []*listener{s.listen(s.first), s.listen(s.second)}
			messages := newMessages(20)
			s.broadcast(s.first, messages...)
			s.hears(messages, listeners...)
			last := newMessages(1)
			s.broadcast(s.first, last...)
			s.hears(last, listeners...)
			for _, l := range listeners {
				for _, message := range messages {
					if n := l.count(message); n > 1 {
						s.failf("a message is heard %d times", n)
					}
				}
			}
		},
	},
	{
		"broadcast-concurrent",
		"Messages that are broadcast concurrently are all heard.",
		func(s *broadcastSubject) {
			listeners := []*listener{s.listen(s.first), s.listen(s.second)}
			messages := newMessages(200)
			for _, err := range parallel(8, func(i int) error {
				own := &broadcastSubject{ctx: s.ctx}
				for ; i < len(messages); i += 8 {
					own.broadcast([]provider.Provider{s.first, s.second}[i%2], messages[i])
				}
				return own.err
			}) {
				if err != nil {
					s.failf("%w", err)
				}
			}
			s.hears(messages, listeners...)
		},
	},
	{
		"broadcast-bytes",
		"A message is any sequence of 1 to 1024 bytes.",
		func(s *broadcastSubject) {
			l := s.listen(s.second)
			messages := anyBytes()
			s.broadcast(s.first, messages...)
			s.hears(messages, l)
		},
	},
	{
		"broadcast-invalid",
		"Broadcast refuses a message that is empty or too long with ErrInvalidMessage, before any I/O.",
		func(s *broadcastSubject) {
			ended, cancel := context.WithCancel(s.ctx)
			cancel()
			l := s.listen(s.first)
			for _, message := range [][]byte{nil, {}, make([]byte, provider.MaxMessageLength+1), make([]byte, 100_000)} {
				for _, ctx := range []context.Context{s.ctx, ended} { // an error of ctx shows that it was I/O first
					if err := provider.Broadcast(ctx, s.first, message); !errors.Is(err, provider.ErrInvalidMessage) {
						s.failf("Broadcast of %d bytes: got error %v, want ErrInvalidMessage", len(message), err)
					}
				}
			}
			last := newMessages(1)
			s.broadcast(s.first, last...)
			s.hears(last, l)
			if l.count("") > 0 {
				s.failf("an empty message is heard")
			}
		},
	},
	{
		"broadcast-owned",
		"After Broadcast has returned, the caller may modify the message.",
		func(s *broadcastSubject) {
			listeners := []*listener{s.listen(s.first), s.listen(s.second)}
			messages := newMessages(20)
			for _, message := range messages {
				given := []byte(message)
				if err := provider.Broadcast(s.ctx, s.first, given); err != nil {
					s.failf("Broadcast: got error %q, want none", err)
				}
				if string(given) != message {
					s.failf("Broadcast has changed the message")
				}
				for i := range given {
					given[i] = '!'
				}
			}
			s.hears(messages, listeners...)
		},
	},
	{
		"broadcast-nobody",
		"Broadcast succeeds if nobody listens.",
		func(s *broadcastSubject) {
			missed, next := newMessages(3), newMessages(1)
			s.broadcast(s.first, missed...)
			l := s.listen(s.second)
			s.broadcast(s.first, next...)
			s.hears(next, l)
		},
	},
	{
		"broadcast-no-record",
		"A message is no record: List does not yield it.",
		func(s *broadcastSubject) {
			l := s.listen(s.second)
			messages := newMessages(3)
			s.broadcast(s.first, messages...)
			s.hears(messages, l)
			for rec, err := range provider.List(s.ctx, s.first, "") {
				switch {
				case errors.Is(err, errors.ErrUnsupported):
				case err != nil:
					s.failf("List: got error %q, want none", err)
				case slices.ContainsFunc(messages, func(m string) bool {
					return strings.Contains(string(rec.Data), m) || strings.Contains(rec.ID, m)
				}):
					s.failf("List yields a message as a record")
				}
			}
		},
	},
	{
		"broadcast-context",
		"With a context that was cancelled or has run out of time, Broadcast returns an error that wraps the context's.",
		func(s *broadcastSubject) {
			cancelled, cancel := context.WithCancelCause(s.ctx)
			cancel(errors.New("a cause, which is not the context's error"))
			expired, cancel2 := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
			defer cancel2()
			for _, ctx := range []context.Context{cancelled, expired, timeoutContext{expired}} {
				if err := provider.Broadcast(ctx, s.first, []byte(newMessage())); !errors.Is(err, ctx.Err()) {
					s.failf("Broadcast: got error %v, want %v", err, ctx.Err())
				}
			}
		},
	},
	{
		"broadcast-errors-discreet",
		"No error of Broadcast contains the message, since a message may contain IDs.",
		func(s *broadcastSubject) {
			ended, cancel := context.WithCancel(s.ctx)
			cancel()
			for _, message := range []string{newMessage(), strings.Repeat(newMessage(), 100)} {
				if err := provider.Broadcast(ended, s.first, []byte(message)); err == nil || strings.Contains(err.Error(), message) {
					s.failf("Broadcast: got error %v, want one without the message", err)
				}
			}
		},
	},
}

// anyBytes returns messages of all bytes and of the shortest and longest lengths.
func anyBytes() []string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	one := newMessage()
	messages := append(texts(), string(all), "\x00", "\xff", "\n", "\r\n", "\x00"+one, one+"\x00", one+"\n", " "+one+" ", "'"+one, `"`+one, `\`+one, "data: "+one+"\n\n",
		one+strings.Repeat("x", provider.MaxMessageLength-len(one)), strings.Repeat("\xff", provider.MaxMessageLength-len(one))+one)
	return slices.DeleteFunc(messages, func(m string) bool { return provider.ValidateMessage([]byte(m)) != nil })
}
