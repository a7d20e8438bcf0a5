package provider

// A Sharer is a Provider that keeps its records in this process and copies them on the way
// in and out, as the contract of Provider requires.
//
// Shared returns a Provider over the same records that neither copies a record nor waits
// for a context. It is for a caller that never modifies a record that it has passed to
// Save or got from Fetch, nor its Data. Whole is the Provider that the caller holds. If whole
// is a wrapper that embeds the Sharer, Shared returns nil, because the wrapper's own
// methods would be bypassed.
type Sharer interface {
	Provider
	Shared(whole Provider) Provider
}
