//go:build !linux

package measure_test

import (
	"testing"
	"time"
)

// usage is what processes have used.
type usage struct {
	cpu      time.Duration
	resident int64
}

func childrenUsage(tb testing.TB) usage {
	tb.Skip("the usage of servers is read from /proc, which Linux has")
	return usage{}
}
