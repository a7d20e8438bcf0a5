package testserver

import "time"

const (
	pollTimeout  = 2 * time.Minute // a bound against hanging, no expectation
	pollInterval = 5 * time.Millisecond
)

// poll calls f until it succeeds. After pollTimeout it returns f's error.
func poll(f func() error) error {
	for deadline := time.Now().Add(pollTimeout); ; time.Sleep(pollInterval) {
		if err := f(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
