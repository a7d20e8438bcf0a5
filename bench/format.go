package main

import (
	"fmt"
	"math"
	"strings"
)

// duration formats seconds with three digits.
func duration(seconds float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if math.Abs(seconds) >= 0.9995*unit.size {
			return digits(seconds/unit.size) + " " + unit.name
		}
	}
	return fmt.Sprintf("%.0f ns", seconds*1e9)
}

// digits formats a number with three digits, or all before the point.
func digits(x float64) string {
	switch abs := math.Abs(x); {
	case abs >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case abs >= 9.995:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

func whole(x float64) string { return fmt.Sprintf("%.0f", x) }

// markdown returns a table. The first column is text, the others numbers.
func markdown(header []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(header)
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
