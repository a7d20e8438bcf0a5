// Package table formats numbers and tables of the pages.
package table

import (
	"fmt"
	"math"
	"strings"
)

// Duration formats seconds with three digits.
func Duration(seconds float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if math.Abs(seconds) >= 0.9995*unit.size {
			return Digits(seconds/unit.size) + " " + unit.name
		}
	}
	return fmt.Sprintf("%.0f ns", seconds*1e9)
}

// Digits formats a number with three digits, or all before the point.
func Digits(x float64) string {
	switch abs := math.Abs(x); {
	case abs >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case abs >= 9.995:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

// Whole formats a number without a fraction.
func Whole(x float64) string { return fmt.Sprintf("%.0f", x) }

// Times formats a ratio.
func Times(x float64) string { return Digits(x) + "×" }

// Cell formats a value, or a dash if there is none.
func Cell(v float64, ok bool, format func(float64) string) string {
	if !ok {
		return "–"
	}
	return format(v)
}

// Markdown returns a table. The first column is text, the others numbers.
func Markdown(header []string, rows [][]string) string {
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
