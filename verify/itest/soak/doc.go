// Package soak has one test. On each store two instances of an app serve visitors who
// do all that can be done to a session, while the servers are killed and frozen, the
// instances are restarted and their signing keys are rotated. No acknowledged change is
// lost, none is made twice, nobody sees another's session; and goroutines, memory and
// connections do not grow. For an hour of it:
//
//	go test ./soak -v -timeout 2h -soak 1h
package soak
