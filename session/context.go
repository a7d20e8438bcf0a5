package session

import (
	"context"
	"sync"
)

// runContext is the context of a run: it carries the passage, and is cancelled
// when a commit fails. Most handlers never ask whether it is, so the
// cancellable context is made when one does.
type runContext struct {
	context.Context // of the request
	run             *run

	mu     sync.Mutex
	own    context.Context // cancellable; nil until it is needed
	cancel context.CancelCauseFunc
}

// Value implements context.Context.
func (c *runContext) Value(key any) any {
	if k, ok := key.(runKey); ok && (k.m == nil || k.m == c.run.pass.m) {
		return c.run
	}
	return c.current().Value(key)
}

// Done implements context.Context.
func (c *runContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		c.own, c.cancel = context.WithCancelCause(c.Context)
	}
	return c.own.Done()
}

// Err implements context.Context.
func (c *runContext) Err() error { return c.current().Err() }

func (c *runContext) current() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		return c.Context
	}
	return c.own
}

// stop cancels the context, if anyone has asked for it or has reason to.
func (c *runContext) stop(cause error) {
	if cause != context.Canceled {
		c.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel(cause)
	}
}
