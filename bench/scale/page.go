package main

import (
	_ "embed"
	"strconv"
	"strings"
	"text/template"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
	"github.com/holdfast-go/holdfast/bench/internal/table"
)

//go:embed scale.md.tmpl
var pageText string

// results are the results with the tables of the page.
type results struct{ *benchfile.Results }

const heading = "## Measured\n"

// page returns docs/scale.md with a new section of measurements, which is its last one.
func page(old string, f *results) (string, error) {
	text, _, _ := strings.Cut(old, heading)
	measured, err := section(f)
	return text + heading + measured, err
}

// section returns what is below the heading.
func section(f *results) (string, error) {
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

// quietLoad is a load average of a machine that does nothing else.
const quietLoad = 1

// quiet reports whether the machine did nothing else when the run began.
func (f *results) quiet() bool {
	before, err := strconv.ParseFloat(f.Machine["load-before"], 64)
	return err == nil && before < quietLoad
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
