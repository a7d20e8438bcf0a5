package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-go/holdfast/bench/chart"
	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
	"github.com/holdfast-go/holdfast/bench/internal/table"
)

// drawCharts draws all charts of the page into a folder, except those of which nothing is measured.
func drawCharts(f *results, folder string) error {
	charts := []struct {
		name  string
		shows string // the benchmarks
		svg   func() []byte
	}{
		{"requests-memory", "Request/store=memory", func() []byte { return f.requestChart("memory", "in process") }},
		{"requests-redis", "Request/store=redis", func() []byte { return f.requestChart("redis", "over Redis") }},
		{"requests-postgres", "Request/store=postgres", func() []byte { return f.requestChart("postgres", "over PostgreSQL") }},
		{"sessions", "Sessions", f.sessionChart},
		{"keys", "Keys", f.keyChart},
		{"day", "Day", f.dayChart},
		{"writers", "Writers", f.writerChart},
		{"server", "Server", f.serverChart},
	}
	for _, c := range charts {
		if !slices.ContainsFunc(f.Rows, func(r benchfile.Row) bool { return strings.HasPrefix(r.Name, c.shows) }) {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, c.name+".svg"), c.svg(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const howToReadDots = "Logarithmic scale, less is better. The number after a time is its ratio to Holdfast’s."

// withoutStore are the scenarios in which Holdfast does not use the store. Their times are so
// short that nothing else could be seen beside them in the chart of a store.
var withoutStore = []string{"anonymous", "anonymous-read", "untouched"}

// whatScenariosDo describes the scenarios in a few words.
var whatScenariosDo = map[string]string{
	"anonymous":        "no cookie, does not use the session",
	"anonymous-read":   "no cookie, reads a missing value",
	"untouched":        "does not use the session",
	"read":             "reads a number",
	"change":           "adds 1 to a number",
	"change-4KiB":      "replaces 4 KiB",
	"read-change-4KiB": "reads 4 KiB, then replaces it",
	"change-1-of-32":   "reads one of 32 values, replaces one",
	"read-32-change-1": "reads 32 values, replaces one",
}

func (f *results) requestChart(store, where string) []byte {
	floor, scenarios := "no sessions", f.scenarios(store)
	if store != "memory" {
		floor = "driver alone"
		scenarios = slices.DeleteFunc(scenarios, func(s string) bool { return slices.Contains(withoutStore, s) })
	}
	return f.dots("Time of a request "+where, "sec/op", 2, floor, scenarios, append(f.peers(store), "floor"),
		func(scenario, peer string) string { return request(store, scenario, peer) })
}

func (f *results) serverChart() []byte {
	peers := append(slices.DeleteFunc(f.Labels("Server/scenario=read", "peer"), isFloor), "floor")
	return f.dots("A server under load: its CPU time for a request", "cpu-sec/req", 3, "no sessions", f.Labels("Server", "scenario"), peers, serverName)
}

// dots returns a chart with a panel for each scenario, and in it a row for each library.
func (f *results) dots(title, unit string, columns int, floor string, scenarios, peers []string, name func(scenario, peer string) string) []byte {
	d := chart.Dots{Title: title, About: howToReadDots, Columns: columns, Format: table.Duration, Tick: shortDuration}
	for _, scenario := range scenarios {
		panel := chart.Panel{Title: scenario, About: whatScenariosDo[scenario]}
		for _, peer := range peers {
			r := chart.Row{Name: peer}
			r.Value, _ = f.Median(name(scenario, peer), unit)
			switch {
			case peer == ours:
				r.Kind = chart.Ours
			case isFloor(peer):
				r.Kind, r.Name = chart.Floor, floor
			}
			if ratio, ok := f.Ratio(name(scenario, peer), name(scenario, ours), unit); ok && peer != ours && ratio >= 0.01 {
				r.Note = table.Times(ratio)
			}
			panel.Rows = append(panel.Rows, r)
		}
		d.Panels = append(d.Panels, panel)
	}
	return d.SVG()
}

// line returns the line of what is measured for each n.
func line(name string, colour, dashes int, ns []string, measured func(n string) (float64, bool)) chart.Line {
	l := chart.Line{Name: name, Colour: colour, Dashes: dashes}
	for _, n := range ns {
		x, err := strconv.ParseFloat(n, 64)
		if y, ok := measured(n); ok && err == nil {
			l.Points = append(l.Points, chart.Point{X: x, Y: y})
		}
	}
	return l
}

func (f *results) timeOf(name func(n string) string) func(string) (float64, bool) {
	return func(n string) (float64, bool) { return f.Median(name(n), "sec/op") }
}

func (f *results) sessionChart() []byte {
	at := func(scenario string) func(string) (float64, bool) {
		return f.timeOf(func(n string) string { return sessionsName(n, scenario) })
	}
	ns := f.Labels("Sessions", "n")
	return chart.Lines{
		Title: "Time of a request by the number of sessions in the memory store", About: "Holdfast. Each request is that of a random visitor.",
		XTitle: "sessions, logarithmic scale", Tick: shortNumber,
		Panels: []chart.LinePanel{{
			FromZero: true, Format: table.Duration, Tick: shortDuration,
			Lines: []chart.Line{line("change", 1, 1, ns, at("change")), line("read", 0, 0, ns, at("read"))},
		}},
	}.SVG()
}

func (f *results) keyChart() []byte {
	at := func(scenario, peer string) func(string) (float64, bool) {
		return f.timeOf(func(n string) string { return keysName(n, scenario, peer) })
	}
	ns := f.Labels("Keys", "n")
	return chart.Lines{
		Title: "Time of a request by the number of keys in the session", About: "In process. The handler reads or changes one of them. Both scales are logarithmic.",
		XTitle: "keys", Tick: shortNumber,
		Panels: []chart.LinePanel{{
			Format: table.Duration, Tick: shortDuration,
			Lines: []chart.Line{
				line("scs, change", 1, 1, ns, at("change", "scs")), line("scs, read", 1, 0, ns, at("read", "scs")),
				line("Holdfast, change", 0, 1, ns, at("change", ours)), line("Holdfast, read", 0, 0, ns, at("read", ours)),
			},
		}},
	}.SVG()
}

func (f *results) writerChart() []byte {
	saves := chart.LinePanel{Title: "Saves", About: "for each request", Format: table.Digits, Tick: shortNumber}
	against := chart.LinePanel{Title: "Time", About: "against the same requests in series", Format: table.Times, Tick: func(x float64) string { return shortNumber(x) + "×" }}
	for i, store := range f.Labels("Writers", "store") {
		ns := f.Labels("Writers/store="+store+"/instances=1", "n")
		name := func(n string) string { return writersName(store, "1", n) }
		saves.Lines = append(saves.Lines, line(store, i, i, ns, func(n string) (float64, bool) { return f.Median(name(n), "saves/success") }))
		against.Lines = append(against.Lines, line(store, i, i, ns, func(n string) (float64, bool) { return f.against(name(n)) }))
	}
	return chart.Lines{
		Title: "Parallel requests that change one counter of one session", About: "One instance. All scales are logarithmic, less is better.",
		XTitle: "parallel requests", Tick: shortNumber, Panels: []chart.LinePanel{saves, against},
	}.SVG()
}

// shortDuration formats round seconds.
func shortDuration(seconds float64) string {
	if seconds == 0 {
		return "0"
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if seconds >= 0.9995*unit.size {
			return fmt.Sprintf("%.4g %s", seconds/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.4g ns", seconds*1e9)
}

// shortNumber formats a round number, with commas.
func shortNumber(x float64) string {
	text := strconv.FormatFloat(x, 'g', 6, 64)
	if x >= 1 {
		text = strconv.FormatFloat(x, 'f', -1, 64)
	}
	if x >= 1000 {
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
	}
	return text
}
