package admin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeText formats a time in UTC.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// agoText says how long before now a time was, or how long after.
func agoText(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < -time.Second:
		return "in " + durationText(-d)
	case d < time.Second:
		return "now"
	default:
		return durationText(d) + " ago"
	}
}

// durationText formats a duration by its largest unit, or by two of them if the larger one
// is small.
func durationText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d/day))
	}
}

// latencyText formats the time of an operation, with two or three digits.
func latencyText(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Round(time.Microsecond).Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// countText formats a number with spaces between thousands.
func countText(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u202f") // a narrow space that does not break
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// roundText formats an estimate with two significant digits.
func roundText(n float64) string {
	if n < 100 {
		return countText(uint64(math.Round(n)))
	}
	unit := math.Pow(10, math.Floor(math.Log10(n))-1)
	return countText(uint64(math.Round(n/unit) * unit))
}

// bytesText formats a size.
func bytesText(n int) string {
	switch {
	case n < 1024:
		return fmt.Sprintf("%d B", n)
	case n < 1024*1024:
		return fmt.Sprintf("%.1f KiB", float64(n)/1024)
	default:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1024*1024))
	}
}

// percentText formats n of total.
func percentText(n, total uint64) string {
	if total == 0 {
		return "0 %"
	}
	p := 100 * float64(n) / float64(total)
	if p > 0 && p < 0.1 {
		return "under 0.1 %"
	}
	return strconv.FormatFloat(math.Round(10*p)/10, 'f', -1, 64) + " %"
}

// pluralText returns n and the name of what is counted.
func pluralText(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return countText(uint64(n)) + " " + one + "s"
}

// shortID is the beginning of a public ID that tells sessions apart on a page.
func shortID(id string) string {
	if len(id) <= 16 {
		return id
	}
	return id[:12] + "…"
}
