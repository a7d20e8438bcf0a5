package main

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"
)

//go:embed performance.md.tmpl
var pageText string

// page returns docs/performance.md.
func page(f *results) (string, error) {
	t, err := template.New("performance").Funcs(template.FuncMap{
		"goals":       f.goalTable,
		"missed":      f.missed,
		"requests":    f.requestTable,
		"floor":       f.floorTable,
		"allocations": f.allocationTable,
		"bare":        f.bareTable,
		"profile":     f.profileTable,
		"share":       f.profileShare,
		"split":       f.splitTable,
		"compute":     func() string { return f.show("Compute", "sec/op", duration) },
		"cookie":      func() string { return f.show("Cookie", "sec/op", duration) },
		"cookies":     func() string { return f.show("Cookie", "allocs/op", whole) },
		"stores":      f.storeTable,
		"dynamodb":    f.dynamoTable,
		"sessions":    f.sessionTable,
		"sweep":       f.sweepTable,
		"keys":        f.keyTable,
		"visitors":    f.visitorTable,
		"signing":     f.signingTable,
		"readcache":   f.readCacheTable,
		"day":         f.dayTable,
		"writers":     f.writerTable,
		"server":      f.serverTable,
		"outage":      f.outageTable,
		"of":          func(key string) string { return f.machine[key] },
		"date":        f.date,
		"load":        f.load,
		"rounds":      f.rounds,
	}).Parse(pageText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

// load describes the machine's load averages during the run.
func (f *results) load() string {
	if len(f.loads) == 0 {
		return "unknown"
	}
	middle, _ := median(f.loads)
	return fmt.Sprintf("%.1f to %.1f, median %.1f", slices.Min(f.loads), slices.Max(f.loads), middle)
}

// rounds returns the number of runs of a benchmark.
func (f *results) rounds(name string) int { return len(f.each(name, "sec/op")) }

// The table of the stores is also in the page that helps to choose one, between these.
const (
	chooserBegin = "<!-- make bench writes this table -->\n"
	chooserEnd   = "<!-- end of the table -->\n"
)

// updateChooser puts the table into the page.
func updateChooser(file, table string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), chooserBegin)
	_, after, ends := strings.Cut(rest, chooserEnd)
	if !begins || !ends {
		return fmt.Errorf("%s: the comments around the table are missing", file)
	}
	return os.WriteFile(file, []byte(before+chooserBegin+table+chooserEnd+after), 0o644)
}
