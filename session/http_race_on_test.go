//go:build race

package session_test

// httpRace tells the long tests that everything takes much longer.
const httpRace = true
