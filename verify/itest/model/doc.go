// Package model has tests only. They play random programs of whole sessions on each
// store's real server, at each isolation level, and hold what was seen against the
// serial model of verify/sim: some order of the requests, one at a time, must
// explain it.
//
// A program runs in a bubble of fake time, so that its requests overlap the same way
// each time, and only the storage calls leave it. So a program that fails fails again,
// and rapid makes it small. The seed is 1; new programs, and more of them:
//
//	go test ./model -rapid.seed 0 -rapid.checks 10000
package model
