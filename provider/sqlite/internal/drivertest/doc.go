// Package drivertest has the tests of package sqlite that need a driver, and runs them
// with two. It is a module of its own, so that users of the one driver do not get the
// other.
package drivertest
