package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/internal/known"
)

// callContext is the context of one call to the store. It has the values of the
// request's and ends at its deadline alone: a visitor who leaves costs the store no
// connection.
type callContext struct {
	context.Context // for its values
	deadline        time.Time
	waiting         *deadlines
	place           int  // among them
	known           bool // see package known

	mu    sync.Mutex
	done  chan struct{} // nil: nobody has asked for it
	after []*func()     // to be run at the end
	err   error
}

// until returns the context of a call, and what is to be ended when the call is over. A
// store in this process answers before any deadline.
func (m *Manager) until(parent context.Context, deadline time.Time) (context.Context, *callContext) {
	if m.local {
		return context.Background(), nil
	}
	c := &callContext{Context: context.WithoutCancel(parent), deadline: deadline, waiting: &m.deadlines}
	return c, c
}

// OnlyTimesOut reports that the context ends at its deadline and not before. It spares
// a store the wait for a cancellation: see package provider/redis.
func (c *callContext) OnlyTimesOut() bool { return true }

// Value implements context.Context.
func (c *callContext) Value(key any) any {
	if key == (known.Key{}) {
		return c.known
	}
	return c.Context.Value(key)
}

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.make()
	return c.done
}

func (c *callContext) make() {
	switch {
	case c.done != nil:
	case c.err != nil:
		c.done = closed
	default:
		c.done = make(chan struct{})
		c.waiting.add(c)
	}
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Err implements context.Context.
func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !time.Now().Before(c.deadline) {
		c.finish(context.DeadlineExceeded)
	}
	return c.err
}

// AfterFunc is what context.AfterFunc is for this context. By it those that are derived
// from this one need no goroutine to wait for it.
func (c *callContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	c.make()
	c.after = append(c.after, &f)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := slices.Index(c.after, &f)
		if at >= 0 {
			c.after = slices.Delete(c.after, at, at+1)
		}
		return at >= 0
	}
}

// end ends the context with err, if there is one and it has not ended before.
func (c *callContext) end(err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish(err)
}

func (c *callContext) finish(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.done == nil {
		return
	}
	close(c.done)
	c.waiting.remove(c)
	for _, f := range c.after {
		go (*f)()
	}
	c.after = nil
}
