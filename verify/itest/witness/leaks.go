package witness

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Leaks wants the goroutines that a test starts to be gone when it ends, soon.
func Leaks(t *testing.T, patience time.Duration, options ...goleak.Option) {
	options = append(options, goleak.IgnoreCurrent())
	t.Cleanup(func() {
		err := goleak.Find(options...)
		for began := time.Now(); err != nil && time.Since(began) < patience; err = goleak.Find(options...) {
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			t.Error(err)
		}
	})
}
