package provider

import "context"

// A Sharer is a Provider that keeps its records in this process and copies their Data on
// the way in and out, as the contract of Provider asks.
//
// Shared returns a Provider over the same records that neither copies Data nor waits for
// a context: it is for a caller that never writes to the Data of a record that it has
// given to Save or got from Fetch. Whole is the Provider that the caller holds. If whole
// is a wrapper that embeds the Sharer, Shared returns nil, since the wrapper's own methods
// would be left out.
type Sharer interface {
	Provider
	Shared(whole Provider) Provider
}

// A TimeoutContext is a context that may only end at its deadline. Package session calls
// a Provider with such contexts. A Provider whose client does not notice a cancellation
// may call the client in its own goroutine then, instead of waiting for the context beside
// it.
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

// reserveKey is the key of what WithReserve puts into a context.
type reserveKey struct{}

// WithReserve returns a context of a Save that may use the room that a store keeps in
// reserve. Package session marks the saves of renewals and of sessions that have an owner
// so: a flood of new visitors must not keep those out who are known.
//
// A store that is bounded may keep a part of its room for such saves, and return ErrFull
// to the others before. To all other stores the context means nothing.
func WithReserve(ctx context.Context) context.Context {
	return context.WithValue(ctx, reserveKey{}, true)
}

// UsesReserve reports whether ctx is that of a Save that may use the reserve.
func UsesReserve(ctx context.Context) bool {
	uses, _ := ctx.Value(reserveKey{}).(bool)
	return uses
}
