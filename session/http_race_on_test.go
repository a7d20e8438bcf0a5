//go:build race

package session_test

// httpRace tells the long tests that everything takes ten times as long.
const httpRace = true
