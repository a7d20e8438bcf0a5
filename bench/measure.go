package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-go/holdfast/bench/internal/machine"
)

// measure runs the groups round by round, so that other load on the machine affects all
// libraries alike, and writes the benchmarks' own output to a file.
func measure(groups []group, results string) error {
	dir, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "measure.test")
	if err := execute(io.Discard, "go", "test", "-c", "-o", program, "./measure"); err != nil {
		return err
	}
	var found bytes.Buffer
	if err := writeMachine(&found); err != nil {
		return err
	}
	progress := newProgress(groups)
	for round := 1; progress.left() > 0; round++ {
		for _, g := range groups {
			if round > g.rounds {
				continue
			}
			progress.next(g, round)
			fmt.Fprintf(&found, "round: %d\nload: %s\n", round, machine.LoadAverage())
			if err := g.run(&found, program); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(results, found.Bytes(), 0o644)
}

func (g group) run(out io.Writer, program string) error {
	switch g.name {
	case profileGroup:
		for _, scenario := range profiled {
			if err := writeProfile(out, program, scenario); err != nil {
				return err
			}
		}
		return nil
	case dayGroup:
		return execute(out, program, "-test.run=^TestDay$", "-test.timeout=30m", "-days")
	}
	return execute(out, program, "-test.run=^$", "-test.timeout=30m",
		"-test.bench="+g.bench, "-test.benchtime="+g.time)
}

// execute runs a program in the folder of the benchmarks, or go in this folder.
func execute(out io.Writer, program string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.Command(program, args...)
	if filepath.IsAbs(program) {
		cmd.Dir = "measure"
	}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(out, &said), &said
	cmd.Env = append(os.Environ(), "HOLDFAST_TEST_NOSKIP=1")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, said.Bytes())
	}
	return nil
}

// progress reports on standard error how far a run is.
type progress struct {
	start       time.Time
	done, total int
}

func newProgress(groups []group) *progress {
	p := &progress{start: time.Now()}
	for _, g := range groups {
		p.total += g.rounds
	}
	return p
}

func (p *progress) left() int { return p.total - p.done }

func (p *progress) next(g group, round int) {
	p.done++
	fmt.Fprintf(os.Stderr, "%6s  %d of %d: %s, round %d of %d\n",
		time.Since(p.start).Round(time.Second), p.done, p.total, g.name, round, g.rounds)
}
