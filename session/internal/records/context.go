package records

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// callContext is the context of one call to the provider. It has the values of the
// request's and ends at its deadline alone: a visitor who leaves costs the store no
// connection. Many clients go by the deadline and do not wait for the context, so the
// context.WithDeadline below is made when one does.
type callContext struct {
	context.Context // for its values; never ends
	deadline        time.Time

	mu     sync.Mutex
	timer  context.Context // nil: nobody has waited for the end
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

// Value implements context.Context. By the context with the timer, one that is derived
// from this one finds what to wait for, and needs no goroutine for it.
func (c *callContext) Value(key any) any {
	c.mu.Lock()
	timer := c.timer
	c.mu.Unlock()
	if timer != nil {
		return timer.Value(key)
	}
	return c.Context.Value(key)
}

// ending returns the context that ends at the deadline, or with the call.
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

// end is called when the call has returned. A nil context has no end.
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

// Call is what Context returns to be ended when the call is over.
type Call struct{ ctx *callContext }

// End releases the context of the call.
func (c Call) End() { c.ctx.end() }

// Context returns the context of a call that is to be over at deadline. A provider in
// this process answers before any deadline.
func (s *Store) Context(parent context.Context, deadline time.Time) (context.Context, Call) {
	return s.context(parent, deadline, false)
}

// context is Context for a save that may use the provider's reserve, or not.
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
