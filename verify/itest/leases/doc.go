// Package leases tests Key.Refresh on every store: an OAuth 2.0 token that must be
// redeemed once is renewed by parallel requests of several processes, some of which are
// killed at each point of the renewal.
package leases
