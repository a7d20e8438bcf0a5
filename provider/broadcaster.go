package provider

import (
	"context"
	"errors"
	"fmt"
)

// MaxMessageLength is the maximum length of a broadcast message in bytes.
const MaxMessageLength = 1024

// Broadcaster is an optional interface of a Provider that can send a message to all
// programs that use the same records. A message tells the others sooner what they would
// otherwise find out by asking; no rule may depend on its arrival.
//
// A message is any sequence of 1 to MaxMessageLength bytes. It is delivered at most once
// to each Listen, in no order. It reaches the calls of Listen on providers over the same
// records (the same prefix, table or bucket of the same store), in this process and in
// others, but never those over other records. It is not stored: whoever does not listen
// when it is sent never gets it.
//
// A message may be lost. If the connection of a Listen has lost it, the Listen ends. What
// else a store may lose, as in a failover, is documented by its provider.
//
// A wrapper that has both methods, over a Provider that is no Broadcaster, returns an error
// that wraps errors.ErrUnsupported from both. A Provider whose store turns out to be unable
// to broadcast does the same.
type Broadcaster interface {
	// Broadcast sends a message. A nil error means that the store has accepted it. After any
	// other error, the message may arrive or not. A message of an invalid length is an error
	// that wraps ErrInvalidMessage, before any I/O. No error contains the message. The caller
	// may modify message after the return.
	Broadcast(ctx context.Context, message []byte) error

	// Listen calls heard with each message that arrives, until ctx ends or the connection to
	// the store is lost. It calls ready once, before heard, when it has begun to listen: a
	// message whose Broadcast is called after that is heard, or Listen returns an error. So
	// if Listen returns, the caller may have missed messages.
	//
	// Listen never returns nil, and does not reconnect. After the end of ctx it returns an
	// error that wraps the context's error. It finds a connection that has broken without a
	// sign within a time that its provider documents.
	//
	// Both functions are called from one goroutine at a time and never after Listen has
	// returned. They may call the provider. heard may keep the message and modify it.
	// While heard runs, a provider holds back a limited number of messages, at least 256; it
	// then ends Listen with an error instead of dropping one silently. Neither Broadcast nor
	// another Listen waits for heard.
	//
	// Each Listen may use a connection of its own: a program needs one for each Provider, not
	// one for each session.
	Listen(ctx context.Context, ready func(), heard func(message []byte)) error
}

// ErrInvalidMessage is returned by Broadcast if the message is empty or longer than
// MaxMessageLength.
var ErrInvalidMessage = errors.New("provider: invalid message")

var errNoBroadcaster = fmt.Errorf("provider: this store cannot broadcast messages: %w", errors.ErrUnsupported)

// Broadcast returns p.Broadcast(ctx, message) if p is a Broadcaster. Otherwise it returns
// an error that wraps errors.ErrUnsupported.
func Broadcast(ctx context.Context, p Provider, message []byte) error {
	if b, ok := p.(Broadcaster); ok {
		return b.Broadcast(ctx, message)
	}
	return errNoBroadcaster
}

// Listen returns p.Listen(ctx, ready, heard) if p is a Broadcaster. Otherwise it returns
// an error that wraps errors.ErrUnsupported.
func Listen(ctx context.Context, p Provider, ready func(), heard func(message []byte)) error {
	if b, ok := p.(Broadcaster); ok {
		return b.Listen(ctx, ready, heard)
	}
	return errNoBroadcaster
}

// ValidateMessage returns an error that wraps ErrInvalidMessage unless message has 1 to
// MaxMessageLength bytes.
func ValidateMessage(message []byte) error {
	if len(message) == 0 || len(message) > MaxMessageLength {
		return fmt.Errorf("%w: %d bytes, want 1 to %d", ErrInvalidMessage, len(message), MaxMessageLength)
	}
	return nil
}
