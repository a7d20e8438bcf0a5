package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/bench/chart"
	"github.com/holdfast-go/holdfast/bench/internal/table"
)

// readCacheStores are the stores of BenchmarkReadCache. The memory store has no copies.
var readCacheStores = []struct{ label, text string }{
	{"memory", "memory, without copies"},
	{"redis", "Redis"},
	{"postgres", "PostgreSQL"},
	{"dynamodb", "DynamoDB Local"},
}

func readCacheName(store string) string { return "ReadCache/store=" + store }

// readCacheTable shows the time of a read that is served by a copy.
func (f *results) readCacheTable() string {
	var rows [][]string
	for _, store := range readCacheStores {
		name := readCacheName(store.label)
		against, ok := f.Ratio(name, readCacheName("memory"), "sec/op")
		rows = append(rows, []string{
			store.text, f.Show(name, "sec/op", table.Duration), table.Cell(against, ok && store.label != "memory", table.Times),
			f.Show(name, "allocs/op", table.Whole), f.Show(name, "copies-%", percent),
		})
	}
	return table.Markdown([]string{"a read", "time", "to memory", "allocations", "served by a copy"}, rows)
}

func percent(x float64) string { return table.Digits(x) + " %" }

// A shopDay names a day of BenchmarkDay.
type shopDay struct {
	mix       string
	requests  int // of a page
	broadcast bool
	instances int
	stale     time.Duration
}

func (d shopDay) name() string {
	return fmt.Sprintf("Day/mix=%s/requests=%d/broadcast=%v/instances=%d/stale=%s", d.mix, d.requests, d.broadcast, d.instances, d.stale)
}

// The recommended values of MaxStale, by docs/costs.md.
const (
	staleWithBroadcast = time.Minute
	staleAlone         = 5 * time.Second
)

// recommended are the days with the recommended MaxStale.
var recommended = []shopDay{
	{"browsing", 1, true, 2, staleWithBroadcast},
	{"shopping", 1, true, 2, staleWithBroadcast},
	{"ordering", 1, true, 2, staleWithBroadcast},
	{"browsing", 5, true, 2, staleWithBroadcast},
	{"shopping", 5, true, 2, staleWithBroadcast},
	{"ordering", 5, true, 2, staleWithBroadcast},
	{"shopping", 1, true, 4, staleWithBroadcast},
	{"shopping", 5, true, 4, staleWithBroadcast},
	{"shopping", 1, false, 2, staleAlone},
	{"shopping", 5, false, 2, staleAlone},
}

const (
	perPage    = "trips/page"
	allPercent = 100.0
)

// saved returns how many percent of the trips a day takes less than without copies.
func (f *results) saved(d shopDay) (float64, bool) {
	left, ok := f.leftTrips(d)
	return allPercent - left, ok
}

// leftTrips returns how many percent of the trips are left.
func (f *results) leftTrips(d shopDay) (float64, bool) {
	without := d
	without.stale = 0
	share, ok := f.Ratio(d.name(), without.name(), perPage)
	return allPercent * share, ok
}

// dayTable shows the trips of a shop with the recommended MaxStale, and what they are.
func (f *results) dayTable() string {
	var rows [][]string
	for _, d := range recommended {
		without := d
		without.stale = 0
		saved, ok := f.saved(d)
		row := []string{
			d.text(), f.Show(without.name(), perPage, table.Digits), f.Show(d.name(), perPage, table.Digits), table.Cell(saved, ok, percent),
		}
		for _, part := range []string{"rest/page", "after-changes/page", "too-old/page", "first-reads/page"} {
			row = append(row, f.Show(d.name(), part, table.Digits))
		}
		rows = append(rows, row)
	}
	return table.Markdown([]string{
		"trips for each page", "without copies", "with", "less by",
		"of them: changes", "first read elsewhere after a change", "copy too old", "no copy",
	}, rows)
}

func (d shopDay) text() string {
	text := d.mix + ", 1 request a page"
	if d.requests > 1 {
		text = fmt.Sprintf("%s, %d requests a page", d.mix, d.requests)
	}
	if d.instances != 2 {
		text += fmt.Sprintf(", %d instances", d.instances)
	}
	if !d.broadcast {
		text += fmt.Sprintf(", no broadcast, %s", shortDuration(d.stale.Seconds()))
	}
	return text
}

// dayChart shows which share of the trips is left, by MaxStale.
func (f *results) dayChart() []byte {
	c := chart.Lines{
		Title: "Trips to the store that are left, of those without ReadCache", About: "A day of a shop, by the mix of its pages. The goal is 10 %.",
		XTitle: "MaxStale, logarithmic scale", Tick: shortTime,
	}
	for _, requests := range []int{1, 5} {
		panel := chart.LinePanel{Title: "One request a page", FromZero: true, Format: percent, Tick: percentTick}
		if requests > 1 {
			panel.Title = strconv.Itoa(requests) + " requests a page"
		}
		for i, mix := range []string{"ordering", "shopping", "browsing"} {
			d := shopDay{mix: mix, requests: requests, broadcast: true, instances: 2}
			if l := f.dayLine(d, i); len(l.Points) > 0 {
				panel.Lines = append(panel.Lines, l)
			}
		}
		c.Panels = append(c.Panels, panel)
	}
	return c.SVG()
}

func (f *results) dayLine(d shopDay, style int) chart.Line {
	l := chart.Line{Name: d.mix, Colour: style, Dashes: style}
	parent, _, _ := strings.Cut(d.name(), "/stale=")
	for _, label := range f.Labels(parent, "stale") {
		stale, err := time.ParseDuration(label)
		if err != nil || stale == 0 {
			continue
		}
		d.stale = stale
		if left, ok := f.leftTrips(d); ok {
			l.Points = append(l.Points, chart.Point{X: stale.Seconds(), Y: left})
		}
	}
	return l
}

func percentTick(x float64) string { return shortNumber(x) + " %" }

// shortTime formats seconds or minutes.
func shortTime(seconds float64) string {
	if seconds >= 60 {
		return shortNumber(seconds/60) + " min"
	}
	return shortNumber(seconds) + " s"
}
