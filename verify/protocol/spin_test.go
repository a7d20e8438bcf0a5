package protocol_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// needSpin skips the test where spin or a C compiler is missing. With
// HOLDFAST_TEST_NOSKIP=1 it fails instead.
func needSpin(t *testing.T) {
	t.Helper()
	version, _ := exec.Command("spin", "-V").Output()
	_, err := exec.LookPath("cc")
	var advice string
	switch {
	case !strings.HasPrefix(string(version), "Spin Version 6"): // another program may have that name
		advice = "install spin 6, the model checker (Debian: apt-get install spin)"
	case err != nil:
		advice = "install a C compiler (Debian: apt-get install gcc)"
	default:
		return
	}
	if os.Getenv("HOLDFAST_TEST_NOSKIP") == "1" {
		t.Fatal(advice)
	}
	t.Skip(advice)
}

// A verifier is the program, called pan, that spin and the C compiler make of a model.
type verifier struct {
	dir     string   // of the program
	file    string   // of the model
	defines []string // for the preprocessor, such as -DFAULTS=1
}

// newVerifier makes the verifier of a model.
func newVerifier(t *testing.T, model, defines string, cflags ...string) *verifier {
	t.Helper()
	v := &verifier{t.TempDir(), model + ".pml", strings.Fields(defines)}
	for _, name := range []string{v.file, "store.inc", "property.inc"} {
		if err := os.WriteFile(filepath.Join(v.dir, name), []byte(read(t, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v.must(t, "spin", v.spin("-a")...)
	v.must(t, "cc", append(cflags, "-w", "-DSAFETY", "-o", "pan", "pan.c")...)
	return v
}

// spin returns the arguments of a call of spin.
func (v *verifier) spin(args ...string) []string {
	return slices.Concat([]string{"-Pcc -E -x c"}, args, v.defines, []string{v.file})
}

func (v *verifier) must(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	out, _, err := v.run(t, program, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

// run runs a program, with low priority, so that the tests of other packages that run at
// the same time are not late. It returns the output, and the time that the program took of
// a processor.
func (v *verifier) run(t *testing.T, program string, args ...string) ([]byte, time.Duration, error) {
	if nice, err := exec.LookPath("nice"); err == nil {
		program, args = nice, append([]string{program}, args...)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = v.dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return out, 0, err
	}
	return out, cmd.ProcessState.UserTime(), err
}

// result is the result of a search.
type result struct {
	errors    int
	problem   string // why the search was not exhaustive, "" if it was
	states    float64
	depth     int
	megabytes float64
	took      time.Duration
	procs     map[string]coverage // by proctype
	out       []byte
}

func (r result) String() string {
	return fmt.Sprintf("%.0f states, depth %d, %.0f MB, %.1f s", r.states, r.depth, r.megabytes, r.took.Seconds())
}

// coverage tells which statements of a proctype were never executed.
type coverage struct {
	total     int
	unreached []string
}

// search searches all executions, up to the first that violates a property.
func (v *verifier) search(t *testing.T, args ...string) result {
	t.Helper()
	out, took, err := v.run(t, "./pan", args...)
	if err != nil {
		t.Fatalf("pan: %v\n%s", err, out)
	}
	r, err := parse(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r.took = took
	return r
}

var (
	summary  = regexp.MustCompile(`(?m)^State-vector \d+ byte, depth reached (\d+), errors: (\d+)$`)
	states   = regexp.MustCompile(`(?m)^ *(\S+) states, stored$`)
	memory   = regexp.MustCompile(`(?m)^ *(\S+)\ttotal actual memory usage$`)
	proctype = regexp.MustCompile(`(?m)^unreached in (?:proctype )?(\S+)\n((?:\t.*\n)+)`)
	total    = regexp.MustCompile(`^\((\d+) of (\d+) states\)$`)

	// incomplete is what pan prints if it was out of depth or memory, has stopped early, or
	// does not store each state as a whole.
	incomplete = regexp.MustCompile(`(?mi)^.*(warning|error:|too small|not completed|memlim|memory bound|out of memory|bit statespace|hash compact).*$`)
)

// checked are the lines that tell what pan has searched for.
var checked = []string{"Full statespace search for:", "\tassertion violations\t+", "\tinvalid end states\t+"}

// parse reads the output of pan.
func parse(out []byte) (r result, err error) {
	text := string(out)
	s, n, m := summary.FindStringSubmatch(text), states.FindStringSubmatch(text), memory.FindStringSubmatch(text)
	if s == nil || n == nil || m == nil {
		return r, errors.New("pan has printed no summary")
	}
	for _, line := range checked {
		if !strings.Contains(text, line) {
			return r, fmt.Errorf("pan has not printed %q", line)
		}
	}
	r.out = out
	r.problem = strings.TrimSpace(incomplete.FindString(text))
	var errs [4]error
	r.depth, errs[0] = strconv.Atoi(s[1])
	r.errors, errs[1] = strconv.Atoi(s[2])
	r.states, errs[2] = strconv.ParseFloat(n[1], 64)
	r.megabytes, errs[3] = strconv.ParseFloat(m[1], 64)
	if err := errors.Join(errs[:]...); err != nil {
		return r, err
	}
	if r.errors == 0 && r.problem == "" {
		r.procs, err = parseCoverage(text)
	}
	return r, err
}

func parseCoverage(text string) (map[string]coverage, error) {
	procs := map[string]coverage{}
	for _, p := range proctype.FindAllStringSubmatch(text, -1) {
		var c coverage
		for line := range strings.Lines(p[2]) {
			line = strings.TrimSpace(line)
			if n := total.FindStringSubmatch(line); n != nil {
				c.total, _ = strconv.Atoi(n[2])
				continue
			}
			c.unreached = append(c.unreached, line)
		}
		if c.total == 0 {
			return nil, fmt.Errorf("pan has not printed which statements of %s it has reached", p[1])
		}
		procs[p[1]] = c
	}
	if len(procs) == 0 {
		return nil, errors.New("pan has not printed which statements it has reached")
	}
	return procs, nil
}

// execution returns the execution that the search has stopped at: the events that the
// model prints, one a line.
func (v *verifier) execution(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(string(v.must(t, "spin", v.spin("-t", "-T")...))) {
		switch {
		case strings.HasPrefix(line, "spin: "): // its own messages
		case strings.HasPrefix(line, "#processes"): // the final state follows
			return b.String()
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}

// steps returns the statements of that execution, and the state that it ends in.
func (v *verifier) steps(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	var last string // the number of the step; the statements of a d_step have the same
	for line := range strings.Lines(string(v.must(t, "spin", v.spin("-t", "-p")...))) {
		step, _, numbered := strings.Cut(line, ":\tproc")
		if numbered && step == last {
			continue
		}
		if numbered {
			last = step
		}
		b.WriteString(line)
	}
	return b.String()
}
