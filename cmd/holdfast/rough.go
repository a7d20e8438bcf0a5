package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// roughly formats a number for people, with two significant digits.
func roughly(x float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}} {
		if twoDigits(x) >= unit.size {
			return thousands(twoDigits(x/unit.size)) + unit.name
		}
	}
	return thousands(twoDigits(x))
}

// roughBytes formats a size for people, with two significant digits.
func roughBytes(x float64) string {
	unit := "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		if twoDigits(x) < 1024 {
			break
		}
		x, unit = x/1024, next
	}
	return thousands(twoDigits(x)) + " " + unit
}

// roughShare formats a part of a whole for people, with two significant digits.
func roughShare(x float64) string {
	if x > 0 && x < 0.001 {
		return "under 0.1 %"
	}
	return thousands(twoDigits(x*100)) + " %"
}

// roughDuration formats a number of seconds for people, with two significant digits.
func roughDuration(seconds float64) string {
	switch {
	case seconds < 120:
		return thousands(twoDigits(seconds)) + " s"
	case seconds < 120*60:
		return thousands(twoDigits(seconds/60)) + " min"
	}
	return thousands(twoDigits(seconds/3600)) + " h"
}

// twoDigits rounds to two significant digits.
func twoDigits(x float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 1, 64), 64)
	return rounded
}

// thousands formats a number with commas between its thousands.
func thousands(x float64) string {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// shortly formats a duration without units that are zero.
func shortly(d time.Duration) string {
	if d < time.Minute {
		return d.String()
	}
	hours, minutes := int64(d/time.Hour), math.Round((d % time.Hour).Minutes())
	switch {
	case hours == 0:
		return fmt.Sprintf("%.0fm", minutes)
	case minutes == 0:
		return fmt.Sprintf("%dh", hours)
	}
	return fmt.Sprintf("%dh%.0fm", hours, minutes)
}
