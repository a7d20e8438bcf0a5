// Package capacity estimates what the sessions of a site take of a store: records, memory,
// disk, calls a second, connections and money, and which limit of the store is reached
// first.
//
// It is arithmetic on a few numbers that were measured, or that the makers of the stores
// name. Each of them has its source beside it: see measured.go, limits.go and prices.go. No
// store is opened.
package capacity
