//go:build race

package session_test

// httpRace tells the long tests that the race detector slows everything down.
const httpRace = true
