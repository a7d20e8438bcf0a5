package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
	"github.com/holdfast-go/holdfast/bench/internal/table"
)

//go:embed performance.md.tmpl
var pageText string

// results are the results with the tables of the page.
type results struct{ *benchfile.Results }

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
		"compute":     func() string { return f.Show("Compute", "sec/op", table.Duration) },
		"cookie":      func() string { return f.Show("Cookie", "sec/op", table.Duration) },
		"cookies":     func() string { return f.Show("Cookie", "allocs/op", table.Whole) },
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
		"of":          func(key string) string { return f.Machine[key] },
		"date":        f.Date,
		"load":        f.Load,
		"rounds":      f.rounds,
	}).Parse(pageText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

// rounds returns the number of runs of a benchmark.
func (f *results) rounds(name string) int { return len(f.Each(name, "sec/op")) }

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
