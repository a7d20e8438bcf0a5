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

	mu     sync.Mutex
	cause  error           // passed to stop
	own    context.Context // cancellable; nil until it is needed
	cancel context.CancelCauseFunc
}

// Value implements context.Context. It asks the cancellable context, if there is one, so
// that a context derived from this one finds its parent and needs no goroutine.
func (c *handlerContext) Value(key any) any {
	if k, ok := key.(writerKey); ok && (k.m == nil || k.m == c.writer.req.m) {
		return c.writer
	}
	c.mu.Lock()
	in := c.own
	c.mu.Unlock()
	if in == nil {
		in = c.Context
	}
	return in.Value(key)
}

// Done implements context.Context.
func (c *handlerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.make()
	return c.own.Done()
}

// Err implements context.Context.
func (c *handlerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil && c.cause == nil {
		return c.Context.Err()
	}
	c.make()
	return c.own.Err()
}

func (c *handlerContext) make() {
	if c.own != nil {
		return
	}
	c.own, c.cancel = context.WithCancelCause(c.Context)
	if c.cause != nil {
		c.cancel(c.cause)
	}
}

// stop cancels the context.
func (c *handlerContext) stop(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.cause = cause
	if c.cancel != nil {
		c.cancel(cause)
	}
}
