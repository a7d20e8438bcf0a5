package records

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// backOff pauses after a conflict, but not for the first ones: each conflict means that
// another commit has finished, and on Linux a sleep of microseconds takes a millisecond
// on an idle processor. It reports whether there is time for another try.
func (a *Access) backOff(try int) bool {
	return try <= immediateRetries || a.pause(afterConflict, try)
}

// immediateRetries is the number of conflicts after which the commit retries without a
// pause.
const immediateRetries = 8

// These are the first pauses after a conflict and after a failure, and the longest pause.
// After a conflict another commit has made progress; after a failure the store is in
// trouble.
const (
	afterConflict = 10 * time.Microsecond
	afterFailure  = time.Millisecond
	maxPause      = 50 * time.Millisecond
)

// pause sleeps for a random duration, whose limit doubles with every try. It reports
// whether there is time for another try.
func (a *Access) pause(first time.Duration, try int) bool {
	time.Sleep(Jitter(min(first<<min(try, 16), maxPause)))
	return !a.exhausted(a.now())
}

// Jitter returns a random duration below limit. It uses crypto/rand, so that a test that
// fixes crypto/rand makes the whole program deterministic.
func Jitter(limit time.Duration) time.Duration {
	var b [2]byte
	_, _ = rand.Read(b[:])
	return limit * time.Duration(binary.BigEndian.Uint16(b[:])) >> 16
}

// errContention returns the error of a commit that has lost to others too often.
func errContention(tries int) error {
	return fmt.Errorf("%w: parallel requests were first %d times", ErrUnavailable, tries)
}
