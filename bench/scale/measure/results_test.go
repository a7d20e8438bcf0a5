package measure_test

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/bench/internal/machine"
)

// results are the figures of one store, which are written in the format of benchmarks.
type results struct {
	store string
	out   io.Writer
	begun time.Time
	found map[string]figures // the last of each name
}

// figures are values by their units.
type figures map[string]float64

func newResults(t *testing.T, store string) *results {
	t.Helper()
	r := &results{store: store, out: io.Discard, begun: time.Now(), found: map[string]figures{}}
	if *resultsFile != "" {
		file, err := os.OpenFile(*resultsFile, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		r.out = file
	}
	return r
}

// begin tells what is measured next, and writes the machine's load.
func (r *results) begin(what string, round int) {
	fmt.Fprintf(r.out, "round: %d\nload: %s\n", round, machine.LoadAverage())
	if r.out != io.Discard {
		fmt.Fprintf(os.Stderr, "%6s  %s: %s\n", time.Since(r.begun).Round(time.Second), r.store, what)
	}
}

// note writes figures under a name such as Size, and labels such as "/part=disk".
func (r *results) note(name, labels string, f figures) {
	r.found[name+labels] = f
	fmt.Fprintf(r.out, "Benchmark%s/store=%s%s 1", name, r.store, labels)
	for _, unit := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(r.out, " %s %s", strconv.FormatFloat(f[unit], 'g', 6, 64), unit)
	}
	fmt.Fprintln(r.out)
}

// folderBytes returns the size of all files in a folder.
func folderBytes(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
