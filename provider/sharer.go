package provider

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
