package records

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// callContext is the context of one call to the provider. It has the values of the
// request's context but ends only at its deadline, so that the store does not lose a
// connection when a visitor disconnects. Many clients use the deadline and never wait for
// the context, so the context.WithDeadline below is created on first use.
type callContext struct {
	context.Context // for its values; never ends
	deadline        time.Time

	mu     sync.Mutex
	timer  context.Context // nil: Done has not been called yet
	cancel context.CancelFunc
	over   bool // the call has returned
}

var _ provider.TimeoutContext = (*callContext)(nil)

// OnlyTimesOut implements provider.TimeoutContext.
func (c *callContext) OnlyTimesOut() bool { return true }

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} { return c.ending().Done() }

// Err implements context.Context.
func (c *callContext) Err() error {
	c.mu.Lock()
	waiting := c.timer != nil || c.over
	c.mu.Unlock()
	if waiting || !time.Now().Before(c.deadline) {
		return c.ending().Err()
	}
	return nil
}

// Value implements context.Context. It asks the context with the timer, if there is one,
// so that a context derived from this one finds its parent and needs no goroutine.
func (c *callContext) Value(key any) any {
	c.mu.Lock()
	timer := c.timer
	c.mu.Unlock()
	if timer != nil {
		return timer.Value(key)
	}
	return c.Context.Value(key)
}

// ending returns the context that ends at the deadline, or when the call has returned.
func (c *callContext) ending() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil {
		c.timer, c.cancel = context.WithDeadline(c.Context, c.deadline)
		if c.over {
			c.cancel()
		}
	}
	return c.timer
}

// end is called when the call has returned. For a nil context it does nothing.
func (c *callContext) end() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}

// Call is returned by Context; its End has to be called when the call is over.
type Call struct{ ctx *callContext }

// End releases the context of the call.
func (c Call) End() { c.ctx.end() }

// Context returns a context with that deadline for one call. For a provider in this
// process the context has no deadline, because it answers at once.
func (s *Store) Context(parent context.Context, deadline time.Time) (context.Context, Call) {
	return s.context(parent, deadline, false)
}

// context is Context for a save that may use the provider's reserve if reserve is set.
func (s *Store) context(parent context.Context, deadline time.Time, reserve bool) (context.Context, Call) {
	switch {
	case s.inProcess && reserve:
		return reserveContext, Call{}
	case s.inProcess:
		return context.Background(), Call{}
	}
	parent = context.WithoutCancel(parent)
	if reserve {
		parent = provider.WithReserve(parent)
	}
	c := &callContext{Context: parent, deadline: deadline}
	return c, Call{c}
}

var reserveContext = provider.WithReserve(context.Background())
