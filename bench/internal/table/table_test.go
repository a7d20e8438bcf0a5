package table_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/bench/internal/table"
)

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 ns", 12e-9: "12 ns", 999e-9: "999 ns", 1e-6: "1.00 µs", 0.9999e-6: "1.00 µs",
		99.96e-6: "100 µs", 3.0005: "3.00 s", -2e-6: "-2.00 µs",
	} {
		if got := table.Duration(seconds); got != want {
			t.Errorf("duration(%v) = %q, want %q", seconds, got, want)
		}
	}
}
