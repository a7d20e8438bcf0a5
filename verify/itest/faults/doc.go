// Package faults has tests only. They run the providers, and sessions on top of
// them, while the network to the real server fails in every way that toxiproxy
// knows, and while the server itself is frozen, killed or, with Redis, replaced by
// a replica that lags.
package faults
