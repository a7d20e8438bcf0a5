package testserver

import "os"

// CockroachURL returns the URL of a running CockroachDB, or "" if there is none: it is
// not to be had as a package, so this one is never started here.
func CockroachURL() string { return os.Getenv("HOLDFAST_TEST_COCKROACH_URL") }
