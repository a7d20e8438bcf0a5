// Package benchfile reads the output of benchmarks.
package benchfile

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"github.com/holdfast-go/holdfast/bench/internal/table"
)

// Results are the measurements of the benchmarks, and the properties of the machine.
type Results struct {
	Rows    []Row
	Machine map[string]string
	Loads   []float64
}

// A Row is one benchmark in one round.
type Row struct {
	Name   string // with the labels, without -GOMAXPROCS
	Round  int
	Date   string
	Values map[string]float64 // by unit; nanoseconds are seconds
}

// ReadFile reads the output of benchmarks from a file.
func ReadFile(name string) (*Results, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return Read(file)
}

// Read reads the output of benchmarks.
func Read(r io.Reader) (*Results, error) {
	found := &Results{Machine: map[string]string{}}
	for in := benchfmt.NewReader(r, "results"); in.Scan(); {
		switch record := in.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, record
		case *benchfmt.Result:
			found.add(record)
		}
	}
	if len(found.Rows) == 0 {
		return nil, fmt.Errorf("no results")
	}
	return found, nil
}

func (f *Results) add(r *benchfmt.Result) {
	for _, c := range r.Config {
		f.Machine[c.Key] = string(c.Value)
	}
	if load, err := strconv.ParseFloat(r.GetConfig("load"), 64); err == nil {
		f.Loads = append(f.Loads, load)
	}
	round, _ := strconv.Atoi(r.GetConfig("round"))
	row := Row{Name: withoutProcs(string(r.Name)), Round: round, Date: r.GetConfig("date"), Values: map[string]float64{}}
	for _, v := range r.Values {
		row.Values[v.Unit] = v.Value
	}
	f.Rows = append(f.Rows, row)
}

func withoutProcs(name string) string {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			return name[:i]
		}
	}
	return name
}

// Each returns the values of a benchmark, by round.
func (f *Results) Each(name, unit string) map[int]float64 {
	values := map[int]float64{}
	for _, r := range f.Rows {
		if v, ok := r.Values[unit]; ok && r.Name == name {
			values[r.Round] = v
		}
	}
	return values
}

// Median returns the median over the rounds, and whether there are any.
func (f *Results) Median(name, unit string) (float64, bool) {
	var values []float64
	for _, v := range f.Each(name, unit) {
		values = append(values, v)
	}
	return Median(values)
}

// Ratio returns the median of the rounds' ratios, because a disturbance of a round has
// slowed down both.
func (f *Results) Ratio(name, other, unit string) (float64, bool) {
	var ratios []float64
	others := f.Each(other, unit)
	for round, v := range f.Each(name, unit) {
		if o := others[round]; o > 0 {
			ratios = append(ratios, v/o)
		}
	}
	return Median(ratios)
}

// Over returns the median of the rounds' differences.
func (f *Results) Over(name, other, unit string) (float64, bool) {
	var differences []float64
	others := f.Each(other, unit)
	for round, v := range f.Each(name, unit) {
		if o, ok := others[round]; ok {
			differences = append(differences, v-o)
		}
	}
	return Median(differences)
}

// Median returns the median of the values, and whether there are any.
func Median(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95).Center, true
}

// Date returns the date of a benchmark's last round.
func (f *Results) Date(name string) (date string) {
	for _, r := range f.Rows {
		if strings.HasPrefix(r.Name, name+"/") {
			date = r.Date
		}
	}
	return date
}

// Labels returns the values that a label has below a benchmark, in order of appearance.
func (f *Results) Labels(parent, label string) (values []string) {
	for _, r := range f.Rows {
		rest, ok := strings.CutPrefix(r.Name, parent+"/"+label+"=")
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

// Show formats the median, or a dash if there is none.
func (f *Results) Show(name, unit string, format func(float64) string) string {
	v, ok := f.Median(name, unit)
	return table.Cell(v, ok, format)
}

// Load describes the machine's load averages during the run.
func (f *Results) Load() string {
	if len(f.Loads) == 0 {
		return "unknown"
	}
	middle, _ := Median(f.Loads)
	return fmt.Sprintf("%.1f to %.1f, median %.1f", slices.Min(f.Loads), slices.Max(f.Loads), middle)
}
