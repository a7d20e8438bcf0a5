package provider

import "context"

// A Sharer is a Provider that keeps its records in this process and copies their Data on
// the way in and out, as the contract of Provider requires.
//
// Shared returns a Provider over the same records that neither copies Data nor waits for
// a context. It is for a caller that never modifies the Data of a record that it has
// passed to Save or got from Fetch. Whole is the Provider that the caller holds. If whole
// is a wrapper that embeds the Sharer, Shared returns nil, because the wrapper's own
// methods would be bypassed.
type Sharer interface {
	Provider
	Shared(whole Provider) Provider
}

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
