package main

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
)

// Two rounds, of which the second is ten times as slow.
const sample = `date: 2026-01-02
load: 1.5
round: 1
BenchmarkRequest/store=memory/scenario=read/peer=floor-2     	 100	    100 ns/op
BenchmarkRequest/store=memory/scenario=read/peer=Holdfast-2  	 100	   1000 ns/op	  7 allocs/op
BenchmarkRequest/store=memory/scenario=read/peer=scs-2       	 100	   8000 ns/op
round: 2
load: 2.5
BenchmarkRequest/store=memory/scenario=read/peer=floor-2     	 100	   1000 ns/op
BenchmarkRequest/store=memory/scenario=read/peer=Holdfast-2  	 100	  10000 ns/op	  7 allocs/op
BenchmarkRequest/store=memory/scenario=read/peer=scs-2       	 100	  80000 ns/op
`

func readSample(t *testing.T) *results {
	t.Helper()
	return readResults(t, sample)
}

func readResults(t *testing.T, text string) *results {
	t.Helper()
	read, err := benchfile.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return &results{read}
}

func TestRatiosAreWithinRounds(t *testing.T) {
	f := readSample(t)
	mine, scs := request("memory", "read", ours), request("memory", "read", "scs")
	if got, ok := f.Ratio(scs, mine, "sec/op"); !ok || got != 8 {
		t.Errorf("ratio %v, %v, want 8", got, ok)
	}
	if _, ok := f.Ratio(scs, request("memory", "read", "gin"), "sec/op"); ok {
		t.Error("a ratio to what was not measured")
	}
}

func TestPage(t *testing.T) {
	text, err := page(readSample(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2026-01-02",
		"1.5 to 2.5",
		"| read | 550 ns | 5.50 µs | 44.0 µs (8.00×) |",
		"| read | 4.95 µs | 10.0× | 8.00× | 7 | – |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestGoals(t *testing.T) {
	f := readSample(t)
	for _, want := range []string{
		"| read, in process | at most 1.60 µs | 5.50 µs | **missed** |",
		"| change, in process | at most 3.00 µs | – | – |",
	} {
		if table := f.goalTable(); !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	for name, want := range map[string]bool{"read": true, "change": false} {
		if got, err := f.missed(name); got != want || err != nil {
			t.Errorf("%s is missed: %v, %v", name, got, err)
		}
	}
	if _, err := f.missed("nothing"); err == nil {
		t.Error("an unknown goal is no error")
	}
	names := map[string]bool{}
	for _, g := range goals() {
		if names[g.name] || !g.met(g.limit) {
			t.Errorf("%s is there twice, or its limit does not meet it", g.name)
		}
		names[g.name] = true
		for _, off := range []float64{0.9, 1.1} {
			if g.limit > 0 && g.met(off*g.limit) != (g.atLeast == (off > 1)) {
				t.Errorf("%s: %v times its limit is judged wrongly", g.name, off)
			}
		}
	}
}

const daySample = `round: 1
BenchmarkReadCache/store=memory-2 	 100	    1000 ns/op	  5 allocs/op	  0 copies-%
BenchmarkReadCache/store=redis-2  	 100	    1400 ns/op	  6 allocs/op	  99.9 copies-%
BenchmarkReadCache/store=postgres-2  	 100	    1600 ns/op	  6 allocs/op	  99.9 copies-%
BenchmarkDay/mix=shopping/requests=1/broadcast=true/instances=2/stale=0s 1 100 pages 1.5 trips/page
BenchmarkDay/mix=shopping/requests=1/broadcast=true/instances=2/stale=20s 1 100 pages 1.2 trips/page
BenchmarkDay/mix=shopping/requests=1/broadcast=true/instances=2/stale=1m0s 1 100 pages 0.6 trips/page 0.1 first-reads/page 0.11 after-changes/page 0.12 too-old/page 0.27 rest/page
BenchmarkDay/mix=shopping/requests=5/broadcast=true/instances=2/stale=0s 1 100 pages 5 trips/page
BenchmarkDay/mix=shopping/requests=5/broadcast=true/instances=2/stale=1m0s 1 100 pages 0.45 trips/page
`

func TestReadCacheOnPage(t *testing.T) {
	f := readResults(t, daySample)
	text, err := page(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| Redis | 1.40 µs | 1.40× | 6 | 99.9 % |",
		"| memory, without copies | 1.00 µs | – | 5 | 0.00 % |",
		"| Redis: read with ReadCache, to a read over memory | at most 1.50× | 1.40× | met |",
		"| PostgreSQL: read with ReadCache, to a read over memory | at most 1.50× | 1.60× | **missed** |",
		"| shopping, 1 request a page | 1.50 | 0.60 | 60.0 % | 0.27 | 0.11 | 0.12 | 0.10 |",
		"fewer trips: shopping, 1 request a page | at least 90.0 % | 60.0 % | **missed** |",
		"fewer trips: shopping, 5 requests a page | at least 90.0 % | 91.0 % | met |",
		"- A day of a shop, one request a page:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "- A day of a shop, 5 requests a page:") {
		t.Error("the page explains a goal that is met")
	}
}

func TestDayChart(t *testing.T) {
	f := readResults(t, daySample)
	svg := string(f.dayChart())
	for _, want := range []string{"5 requests a page", "shopping", "20 s", "1 min", "40.0 %"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %s", want, svg)
		}
	}
	for _, not := range []string{"ordering", "0 s<", "NaN", "Inf"} { // not measured; the days without copies
		if strings.Contains(strings.ReplaceAll(svg, "20 s", ""), not) {
			t.Errorf("%q is in %s", not, svg)
		}
	}
}

// TestMissedGoalsAreExplained wants a sentence for each goal that can be missed.
func TestMissedGoalsAreExplained(t *testing.T) {
	for _, g := range goals() {
		if !strings.Contains(pageText, `(missed "`+g.name+`")`) && !strings.Contains(pageText, `{{if missed "`+g.name+`"}}`) {
			t.Errorf("the page does not say why %s is missed", g.name)
		}
	}
}
