// Package measure fills stores with sessions and measures what their number costs. "go run
// ./scale" in the module bench runs its test with many sessions and writes the page; "go
// test" runs it with few.
package measure
