package provider

import "context"

// A TimeoutContext is a context that can report that it ends only at its deadline.
// Package session calls a Provider with such contexts. A Provider whose client does not
// notice a cancellation may then call the client in its own goroutine, instead of waiting
// for the context in a second one.
type TimeoutContext interface {
	context.Context

	// OnlyTimesOut reports whether the context ends at its deadline and not before.
	OnlyTimesOut() bool
}

// OnlyTimesOut reports whether ctx is a TimeoutContext that ends at its deadline and not
// before. A context that is derived from one is not.
func OnlyTimesOut(ctx context.Context) bool {
	c, ok := ctx.(TimeoutContext)
	return ok && c.OnlyTimesOut()
}

// reserveKey is the context key that WithReserve sets.
type reserveKey struct{}

// WithReserve returns a context for a Save that may use the reserve of a store. Package
// session uses it for renewals and for sessions that have an owner, so that a flood of
// new visitors does not keep known users out.
//
// A store of limited size may reserve a part of it for such saves, and return ErrFull to
// all others earlier. Other stores ignore it.
func WithReserve(ctx context.Context) context.Context {
	return context.WithValue(ctx, reserveKey{}, true)
}

// UsesReserve reports whether a Save with ctx may use the reserve.
func UsesReserve(ctx context.Context) bool {
	uses, _ := ctx.Value(reserveKey{}).(bool)
	return uses
}
