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

// lazyContext can be stopped. Else it ends at its deadline, whatever its parent does,
// or without one when its parent ends. Most handlers and stores never wait for that,
// so the channel and the timer are made when one does.
type lazyContext struct {
	context.Context // the parent
	deadline        time.Time

	mu     sync.Mutex
	cause  error           // why it was stopped
	own    context.Context // cancellable; nil until it is needed
	cancel context.CancelCauseFunc
}

// until returns the context of a call to the store, with the values of parent, and what
// is to be stopped when it is over. It ends at the deadline alone: a visitor who leaves
// costs the store no connection. A store in this process answers before any deadline.
func (m *Manager) until(parent context.Context, deadline time.Time) (context.Context, *lazyContext) {
	if m.local {
		return context.Background(), nil
	}
	c := &lazyContext{Context: parent, deadline: deadline}
	return c, c
}

// OnlyTimesOut reports whether the context ends at its deadline and not before. It
// spares a store the wait for a cancellation: see package provider/redis.
func (c *lazyContext) OnlyTimesOut() bool { return !c.deadline.IsZero() }

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
func (c *lazyContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.own != nil || c.cause != nil || c.late():
		c.make()
		return c.own.Err()
	case c.deadline.IsZero():
		return c.Context.Err()
	}
	return nil
}

func (c *lazyContext) late() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

func (c *lazyContext) make() {
	if c.own != nil {
		return
	}
	if c.deadline.IsZero() {
		c.own, c.cancel = context.WithCancelCause(c.Context)
	} else {
		own, cancel := context.WithDeadline(context.WithoutCancel(c.Context), c.deadline)
		c.own, c.cancel = own, func(error) { cancel() }
	}
	if c.cause != nil {
		c.cancel(c.cause)
	}
}

// stop cancels the context, if there is one.
func (c *lazyContext) stop(cause error) {
	if c == nil {
		return
	}
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
