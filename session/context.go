package session

import (
	"context"
	"sync"
	"time"
)

// runContext is the context of a run: it carries the passage, and is cancelled
// when a commit fails.
type runContext struct {
	lazyContext
	run *run
}

// Value implements context.Context.
func (c *runContext) Value(key any) any {
	if k, ok := key.(runKey); ok && (k.m == nil || k.m == c.run.pass.m) {
		return c.run
	}
	return c.lazyContext.Value(key)
}

// lazyContext can be cancelled, and ends at its deadline if it has one. Most
// handlers and stores never wait for that, so the channel and the timer are made
// when one does.
type lazyContext struct {
	context.Context           // the parent
	deadline        time.Time // zero: none but the parent's

	mu     sync.Mutex
	cause  error           // why it was stopped
	own    context.Context // cancellable; nil until it is needed
	cancel context.CancelCauseFunc
}

// until returns a context that ends at deadline. It is to be stopped.
func until(parent context.Context, deadline time.Time) *lazyContext {
	if sooner, ok := parent.Deadline(); ok && sooner.Before(deadline) {
		deadline = sooner
	}
	return &lazyContext{Context: parent, deadline: deadline}
}

// OnlyTimesOut reports whether the context ends at its deadline and not before. It
// spares a store the wait for a cancellation: see package provider/redis.
func (c *lazyContext) OnlyTimesOut() bool { return !c.deadline.IsZero() && c.Context.Done() == nil }

// Value implements context.Context. By it a context that is derived from this one
// finds what can be cancelled, and needs no goroutine to wait for it.
func (c *lazyContext) Value(key any) any {
	c.mu.Lock()
	in := c.own
	c.mu.Unlock()
	if in == nil {
		in = c.Context
	}
	return in.Value(key)
}

// Deadline implements context.Context.
func (c *lazyContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.Context.Deadline()
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *lazyContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.make()
	return c.own.Done()
}

// Err implements context.Context.
func (c *lazyContext) Err() error { return c.current().Err() }

// current returns what tells the context's state.
func (c *lazyContext) current() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil && c.cause == nil && !c.late() {
		return c.Context
	}
	c.make()
	return c.own
}

func (c *lazyContext) late() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

func (c *lazyContext) make() {
	if c.own != nil {
		return
	}
	if c.deadline.IsZero() {
		c.own, c.cancel = context.WithCancelCause(c.Context)
	} else {
		own, cancel := context.WithDeadline(c.Context, c.deadline)
		c.own, c.cancel = own, func(error) { cancel() }
	}
	if c.cause != nil {
		c.cancel(c.cause)
	}
}

// stop cancels the context.
func (c *lazyContext) stop(cause error) {
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
