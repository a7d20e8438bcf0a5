package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/holdfast-go/holdfast/bench/internal/table"
)

// parts are the parts of a request whose share the profile shows. They overlap: most of
// them allocate.
var parts = []struct{ label, function, text string }{
	{"securecookie", "github.com/gorilla/securecookie.", "securecookie, which checks the cookie"},
	{"cookies", "holdfast/session.(*Cookie).sent", "reading the Cookie header"},
	{"clock", "time.Now", "reading the clock"},
	{"locks", "sync.(*Mutex).", "locks"},
	{"provider", "holdfast/provider/memory.", "the memory store"},
	{"cbor", "github.com/fxamacker/cbor/", "CBOR"},
	{"envelope", "session/internal/envelope.", "the record's format"},
	{"allocation", "runtime.mallocgc", "allocating, for all of these"},
	{"collector", "runtime.gcBgMarkWorker", "the garbage collector"},
}

var profiled = []string{"read", "change", "change-4KiB"}

// writeProfile profiles Holdfast in process and writes each part's share of the
// CPU time in the benchmark format.
func writeProfile(out io.Writer, program, scenario string) error {
	file := filepath.Join(filepath.Dir(program), scenario+".prof")
	err := execute(io.Discard, program, "-test.run=^$", "-test.benchtime=3s", "-test.cpuprofile="+file,
		"-test.bench=^BenchmarkRequest$/^store=memory$/^scenario="+scenario+"$/^peer="+ours+"$")
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		return err
	}
	for _, part := range parts {
		fmt.Fprintf(out, "BenchmarkProfile/scenario=%s/part=%s 1 %.1f percent\n", scenario, part.label, 100*share(p, part.function))
	}
	return nil
}

// share returns the share of the CPU time that is spent in functions of that name and
// their callees.
func share(p *profile.Profile, function string) float64 {
	var within, all int64
	for _, sample := range p.Sample {
		ns := sample.Value[len(sample.Value)-1]
		all += ns
		if calls(sample, function) {
			within += ns
		}
	}
	return float64(within) / float64(max(1, all))
}

func calls(sample *profile.Sample, function string) bool {
	for _, location := range sample.Location {
		for _, line := range location.Line {
			if strings.Contains(line.Function.Name, function) {
				return true
			}
		}
	}
	return false
}

func (f *results) profileTable() string {
	var rows [][]string
	for _, part := range parts {
		row := []string{part.text}
		for _, scenario := range profiled {
			share, _ := f.profileShare(scenario, part.label)
			row = append(row, share)
		}
		rows = append(rows, row)
	}
	return table.Markdown(append([]string{"share of the CPU time"}, profiled...), rows)
}

// profileShare shows the share of a part in the time of a scenario.
func (f *results) profileShare(scenario, part string) (string, error) {
	for _, p := range parts {
		if p.label == part {
			name := "Profile/scenario=" + scenario + "/part=" + part
			return f.Show(name, "percent", func(x float64) string { return table.Whole(x) + " %" }), nil
		}
	}
	return "", fmt.Errorf("the profile has no part %q", part)
}
