package records

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// callContext is the context of one call to the provider. It has the values of the
// request's and ends at its deadline alone: a visitor who leaves costs the store no
// connection.
type callContext struct{ context.Context }

// OnlyTimesOut implements provider.TimeoutContext.
func (callContext) OnlyTimesOut() bool { return true }

// Context returns the context of a call that is to be over at deadline, and what
// releases it. A provider in this process answers before any deadline.
func (s *Store) Context(parent context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	return s.context(parent, deadline, false)
}

// context is Context for a save that may use the provider's reserve, or not.
func (s *Store) context(parent context.Context, deadline time.Time, reserve bool) (context.Context, context.CancelFunc) {
	switch {
	case s.inProcess && reserve:
		return reserveContext, release
	case s.inProcess:
		return context.Background(), release
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(parent), deadline)
	if reserve {
		ctx = provider.WithReserve(ctx)
	}
	return callContext{ctx}, cancel
}

var reserveContext = provider.WithReserve(context.Background())

func release() {}
