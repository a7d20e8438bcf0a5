package main

import (
	_ "embed"
	"strings"
	"text/template"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
	"github.com/holdfast-go/holdfast/bench/internal/table"
)

//go:embed scale.md.tmpl
var pageText string

// results are the results with the tables of the page.
type results struct{ *benchfile.Results }

// page returns docs/scale.md.
func page(f *results) (string, error) {
	t, err := template.New("scale").Funcs(template.FuncMap{
		"of":       func(key string) string { return f.Machine[key] },
		"load":     f.Load,
		"quiet":    f.quiet,
		"fill":     f.fillTable,
		"sizes":    f.sizeTable,
		"visits":   f.visitTable,
		"beside":   f.besideTable,
		"lists":    f.listTable,
		"backups":  f.backupTable,
		"removals": f.removalTable,
		"revokes":  f.revokeTable,
		"kills":    f.killTable,
		"figure":   f.figure,
	}).Parse(pageText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

// quietLoad is a load average that the measurement alone does not exceed for long: it has
// some runnable processes on each core.
const quietLoad = 4

// quiet reports whether the machine had little else to do.
func (f *results) quiet() bool {
	middle, ok := benchfile.Median(f.Loads)
	return ok && middle < quietLoad
}

// figure returns one figure for the text of the page, in the form of its unit.
func (f *results) figure(name, unit string) string {
	format := table.Digits
	switch {
	case strings.HasSuffix(unit, "sec"):
		format = table.Duration
	case strings.HasSuffix(unit, "B"):
		format = bytesText
	case !strings.Contains(unit, "/"):
		format = table.Whole
	}
	return f.Show(name, unit, format)
}
