package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// results are the measurements of the benchmarks, and the properties of the machine.
type results struct {
	rows    []row
	machine map[string]string
	loads   []float64
}

// A row is one benchmark in one round.
type row struct {
	name   string // with the labels, without -GOMAXPROCS
	round  int
	date   string
	values map[string]float64 // by unit; nanoseconds are seconds
}

// read reads the output of benchmarks.
func read(r io.Reader) (*results, error) {
	found := &results{machine: map[string]string{}}
	for in := benchfmt.NewReader(r, "results"); in.Scan(); {
		switch record := in.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, record
		case *benchfmt.Result:
			found.add(record)
		}
	}
	if len(found.rows) == 0 {
		return nil, fmt.Errorf("no results")
	}
	return found, nil
}

func (f *results) add(r *benchfmt.Result) {
	for _, c := range r.Config {
		f.machine[c.Key] = string(c.Value)
	}
	if load, err := strconv.ParseFloat(r.GetConfig("load"), 64); err == nil {
		f.loads = append(f.loads, load)
	}
	round, _ := strconv.Atoi(r.GetConfig("round"))
	row := row{name: withoutProcs(string(r.Name)), round: round, date: r.GetConfig("date"), values: map[string]float64{}}
	for _, v := range r.Values {
		row.values[v.Unit] = v.Value
	}
	f.rows = append(f.rows, row)
}

func withoutProcs(name string) string {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			return name[:i]
		}
	}
	return name
}

// each returns the values of a benchmark, by round.
func (f *results) each(name, unit string) map[int]float64 {
	values := map[int]float64{}
	for _, r := range f.rows {
		if v, ok := r.values[unit]; ok && r.name == name {
			values[r.round] = v
		}
	}
	return values
}

// median returns the median over the rounds, and whether there are any.
func (f *results) median(name, unit string) (float64, bool) {
	var values []float64
	for _, v := range f.each(name, unit) {
		values = append(values, v)
	}
	return median(values)
}

// ratio returns the median of the rounds' ratios, because a disturbance of a round has
// slowed down both.
func (f *results) ratio(name, other, unit string) (float64, bool) {
	var ratios []float64
	others := f.each(other, unit)
	for round, v := range f.each(name, unit) {
		if o := others[round]; o > 0 {
			ratios = append(ratios, v/o)
		}
	}
	return median(ratios)
}

// over returns the median of the rounds' differences.
func (f *results) over(name, other, unit string) (float64, bool) {
	var differences []float64
	others := f.each(other, unit)
	for round, v := range f.each(name, unit) {
		if o, ok := others[round]; ok {
			differences = append(differences, v-o)
		}
	}
	return median(differences)
}

func median(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95).Center, true
}

// date returns the date of a benchmark's last round.
func (f *results) date(name string) (date string) {
	for _, r := range f.rows {
		if strings.HasPrefix(r.name, name+"/") {
			date = r.date
		}
	}
	return date
}

// labels returns the values that a label has below a benchmark, in order of appearance.
func (f *results) labels(parent, label string) (values []string) {
	for _, r := range f.rows {
		rest, ok := strings.CutPrefix(r.name, parent+"/"+label+"=")
		if !ok {
			continue
		}
		value, _, _ := strings.Cut(rest, "/")
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values
}
