package admin

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The size of a chart in its own units, which are about pixels on a phone.
const (
	plotLeft   = 40.0  // the numbers stand left of it
	plotRight  = 296.0 // the names of the lines stand right of it
	plotTop    = 8.0
	plotBottom = 112.0
	labelGap   = 13.0 // between two names
)

// chart is a line chart of the last hour.
type chart struct {
	ID      string
	Title   string
	Unit    string
	Summary string // for those who do not see it
	Lines   []line
	Ticks   []tick
	Empty   bool // no line has a value
}

// line is one line of a chart.
type line struct {
	Class  string // "a" or "b"
	Name   string
	Path   string // of the SVG
	Dots   []dot  // values without a neighbor
	LabelY float64
	last   float64 // y of the last value
}

type dot struct{ X, Y float64 }

// tick is a horizontal line of the grid.
type tick struct {
	Y    float64
	Text string
}

// series are the values of a line, the oldest minute first; NaN: there is none.
type series struct {
	name   string
	values [hour]float64
}

// newChart returns a chart of one or two series. Format writes a value of the axis.
func newChart(id, title, unit, summary string, format func(float64) string, all ...series) chart {
	c := chart{ID: id, Title: title, Unit: unit, Summary: summary, Empty: true}
	top := 0.0
	for _, s := range all {
		for _, v := range s.values {
			if !math.IsNaN(v) {
				c.Empty = false
				top = max(top, v)
			}
		}
	}
	top = niceTop(top)
	y := func(v float64) float64 { return plotBottom - (plotBottom-plotTop)*v/top }
	for _, v := range []float64{0, top / 2, top} {
		c.Ticks = append(c.Ticks, tick{y(v), format(v)})
	}
	for i, s := range all {
		c.Lines = append(c.Lines, newLine(string(rune('a'+i)), s, y))
	}
	separateLabels(c.Lines)
	return c
}

// niceTop returns 2, 4 or 10 times a power of ten that is not below v and at least 2, so
// that half of it is a round number, too.
func niceTop(v float64) float64 {
	if v <= 2 {
		return 2
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 2, 4} {
		if v <= factor*unit*(1+1e-9) {
			return factor * unit
		}
	}
	return 10 * unit
}

func newLine(class string, s series, y func(float64) float64) line {
	l := line{Class: class, Name: s.name, last: plotBottom}
	var path strings.Builder
	for i, v := range s.values {
		if math.IsNaN(v) {
			continue
		}
		before := i > 0 && !math.IsNaN(s.values[i-1])
		after := i+1 < hour && !math.IsNaN(s.values[i+1])
		at := dot{xOf(i), y(v)}
		l.last = at.Y
		switch {
		case before:
			fmt.Fprintf(&path, "L%.1f %.1f", at.X, at.Y)
		case after:
			fmt.Fprintf(&path, "M%.1f %.1f", at.X, at.Y)
		default:
			l.Dots = append(l.Dots, at)
		}
	}
	l.Path, l.LabelY = path.String(), l.last
	return l
}

func xOf(minute int) float64 {
	return plotLeft + (plotRight-plotLeft)*float64(minute)/(hour-1)
}

// separateLabels moves the names of two lines apart that end at about the same height.
func separateLabels(lines []line) {
	if len(lines) == 2 {
		upper, lower := &lines[0], &lines[1]
		if upper.last > lower.last {
			upper, lower = lower, upper
		}
		if missing := labelGap - (lower.LabelY - upper.LabelY); missing > 0 {
			upper.LabelY -= missing / 2
			lower.LabelY += missing / 2
		}
		if over := lower.LabelY - plotBottom; over > 0 {
			lower.LabelY -= over
			upper.LabelY = min(upper.LabelY, lower.LabelY-labelGap)
		}
	}
	for i := range lines {
		lines[i].LabelY += 4 // from the middle of the text to its base line
	}
}

// chartsOf returns the charts of the overview.
func chartsOf(h *lastHour) []chart {
	perMinute := "per minute"
	return []chart{
		newChart("life", "Sessions begun and ended", perMinute,
			fmt.Sprintf("%d begun and %d ended in the last hour", h.sum(begun), h.sum(ended)),
			numberText, h.counts("begun", begun), h.counts("ended", ended)),
		newChart("conflicts", "Conflicts and replays", perMinute,
			fmt.Sprintf("%d conflicts and %d replays in the last hour", h.sum(conflicts), h.sum(replays)),
			numberText, h.counts("conflicts", conflicts), h.counts("replays", replays)),
		h.latency("loads", "Time of a load", loads),
		h.latency("saves", "Time of a save", saves),
		newChart("failures", "Store failures", perMinute,
			fmt.Sprintf("%d in the last hour", h.sum(failures)),
			numberText, h.counts("failures", failures)),
		newChart("operations", "Operations", perMinute,
			fmt.Sprintf("%d in the last hour", h.sum(operations)),
			numberText, h.counts("all", operations)),
	}
}

// latency returns the chart of a kind of durations.
func (h *lastHour) latency(id, title string, of func(*minute) *histogram) chart {
	all := h.merged(of)
	return newChart(id, title, "median and 99th percentile",
		fmt.Sprintf("median %s, 99th percentile %s in the last hour", latencyText(all.Median()), latencyText(all.P99())),
		func(v float64) string {
			if v == 0 {
				return "0"
			}
			return latencyText(time.Duration(v))
		},
		h.quantiles("p99", 0.99, of), h.quantiles("median", 0.5, of))
}

// counts returns the series of a count. A minute without events has the value 0, and an
// hour without events has none.
func (h *lastHour) counts(name string, count func(*minute) uint64) series {
	s := series{name: name}
	idle := h.isEmpty()
	for i := range s.values {
		s.values[i] = float64(count(&h.minutes[i]))
		if idle {
			s.values[i] = math.NaN()
		}
	}
	return s
}

// quantiles returns the series of a quantile. A minute without durations has no value.
func (h *lastHour) quantiles(name string, q float64, of func(*minute) *histogram) series {
	s := series{name: name}
	for i := range s.values {
		durations := of(&h.minutes[i])
		s.values[i] = math.NaN()
		if durations.count() > 0 {
			s.values[i] = float64(durations.quantile(q))
		}
	}
	return s
}

func numberText(v float64) string {
	if v != math.Trunc(v) {
		return fmt.Sprintf("%.1f", v)
	}
	return countText(uint64(v))
}
