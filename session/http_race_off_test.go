//go:build !race

package session_test

const httpRace = false
