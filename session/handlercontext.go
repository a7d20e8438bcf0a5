package session

import (
	"context"
	"sync"
)

// handlerContext is the context of a handler. It carries the responseWriter, and is
// cancelled when a commit fails. Most handlers never wait for its end, so the cancellable
// context is created on first use.
type handlerContext struct {
	context.Context // the request's
	writer          *responseWriter

	mu  sync.Mutex
	end *contextEnd // nil: neither was Done called nor the context stopped
}

// contextEnd is the end of a handlerContext. It does not change.
type contextEnd struct {
	cause  error           // passed to stop; nil: not stopped
	own    context.Context // cancellable; nil until it is needed
	cancel context.CancelCauseFunc
}

// handlerReturned is the end of the context of a handler that has returned. It is shared by
// those contexts that nobody waits for.
var handlerReturned = &contextEnd{cause: context.Canceled}

// Value implements context.Context. It asks the cancellable context, if there is one, so
// that a context derived from this one finds its parent and needs no goroutine.
func (c *handlerContext) Value(key any) any {
	if k, ok := key.(writerKey); ok && (k.m == nil || k.m == c.writer.req.m) {
		return c.writer
	}
	c.mu.Lock()
	end := c.end
	c.mu.Unlock()
	if end == nil || end.own == nil {
		return c.Context.Value(key)
	}
	return end.own.Value(key)
}

// Done implements context.Context.
func (c *handlerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cancellable().Done()
}

// Err implements context.Context.
func (c *handlerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return c.Context.Err()
	}
	return c.cancellable().Err()
}

// cancellable returns the cancellable context, which it creates if there is none.
func (c *handlerContext) cancellable() context.Context {
	if c.end != nil && c.end.own != nil {
		return c.end.own
	}
	end := new(contextEnd)
	end.own, end.cancel = context.WithCancelCause(c.Context)
	if c.end != nil {
		end.cause = c.end.cause
		end.cancel(end.cause)
	}
	c.end = end
	return end.own
}

// stop cancels the context.
func (c *handlerContext) stop(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch end := c.end; {
	case end == nil && cause == context.Canceled:
		c.end = handlerReturned
	case end == nil:
		c.end = &contextEnd{cause: cause}
	case end.cause == nil:
		c.end = &contextEnd{cause, end.own, end.cancel}
		end.cancel(cause)
	}
}
