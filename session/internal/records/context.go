package records

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/internal/known"
)

// callContext is the context of one call to the provider. It has the values of the
// request's and ends at its deadline alone: a visitor who leaves costs the store no
// connection.
type callContext struct {
	context.Context
	known bool // see package known
}

// OnlyTimesOut implements provider.TimeoutContext.
func (c *callContext) OnlyTimesOut() bool { return true }

// Value implements context.Context.
func (c *callContext) Value(key any) any {
	if key == (known.Key{}) {
		return c.known
	}
	return c.Context.Value(key)
}

// Context returns the context of a call that is to be over at deadline, and what
// releases it. A provider in this process answers before any deadline.
func (s *Store) Context(parent context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	return s.context(parent, deadline, false)
}

func (s *Store) context(parent context.Context, deadline time.Time, forKnown bool) (context.Context, context.CancelFunc) {
	switch {
	case s.inProcess && forKnown:
		return known.Background, release
	case s.inProcess:
		return context.Background(), release
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(parent), deadline)
	return &callContext{ctx, forKnown}, cancel
}

func release() {}
