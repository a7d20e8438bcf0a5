package protocol_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// needSpin skips the test where spin or a C compiler is missing. With
// HOLDFAST_TEST_NOSKIP=1 it fails instead.
func needSpin(t *testing.T) {
	t.Helper()
	for program, advice := range map[string]string{
		"spin": "install spin (Debian: apt-get install spin)",
		"cc":   "install a C compiler (Debian: apt-get install gcc)",
	} {
		_, err := exec.LookPath(program)
		switch {
		case err == nil:
		case os.Getenv("HOLDFAST_TEST_NOSKIP") == "1":
			t.Fatal(advice)
		default:
			t.Skip(advice)
		}
	}
}

// A verifier is a model that spin has made into a C program, in a folder of its own.
type verifier struct {
	dir     string
	file    string   // of the model
	defines []string // of the preprocessor, such as -DFAULTS=1
}

// newVerifier compiles a model. What cflags have to say depends on how long the search takes.
func newVerifier(t *testing.T, model, defines string, cflags ...string) *verifier {
	t.Helper()
	v := &verifier{t.TempDir(), model + ".pml", strings.Fields(defines)}
	for _, name := range []string{v.file, "store.inc"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(v.dir, name), text, 0o600); err != nil {
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
	out, err := v.run(t, program, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

func (v *verifier) run(t *testing.T, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = v.dir
	return cmd.CombinedOutput()
}

// result is what a search has found.
type result struct {
	errors    int
	depth     int
	states    float64
	megabytes float64
	seconds   string
	procs     map[string]coverage // by proctype
	problem   string              // why the search says nothing, "" if it was complete
	out       []byte
}

func (r result) String() string {
	return fmt.Sprintf("%.0f states, depth %d, %.0f MB, %s s", r.states, r.depth, r.megabytes, r.seconds)
}

// coverage is which statements of a proctype were never executed.
type coverage struct {
	total     int
	unreached []string
}

// search runs the verifier, up to the first error.
func (v *verifier) search(t *testing.T, args ...string) result {
	t.Helper()
	out, err := v.run(t, filepath.Join(v.dir, "pan"), args...)
	if err != nil {
		t.Fatalf("pan: %v\n%s", err, out)
	}
	r, err := parse(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r
}

var (
	summary  = regexp.MustCompile(`(?m)^State-vector \d+ byte, depth reached (\d+), errors: (\d+)$`)
	states   = regexp.MustCompile(`(?m)^ *(\S+) states, stored$`)
	memory   = regexp.MustCompile(`(?m)^ *(\S+)\ttotal actual memory usage$`)
	elapsed  = regexp.MustCompile(`(?m)^pan: elapsed time (\S+) seconds$`)
	proctype = regexp.MustCompile(`(?m)^unreached in (?:proctype )?(\S+)\n((?:\t.*\n)+)`)
	total    = regexp.MustCompile(`^\((\d+) of (\d+) states\)$`)

	// What pan says of a search that is not over, or not exhaustive.
	incomplete = regexp.MustCompile(`(?mi)^.*(warning|error:|too small|not completed|memlim|memory bound|out of memory|bit statespace|hash compact).*$`)
)

// properties are what pan says that it has checked.
var properties = []string{"Full statespace search for:", "\tassertion violations\t+", "\tinvalid end states\t+"}

// parse reads what pan has printed.
func parse(out []byte) (r result, err error) {
	r.out, r.procs = out, map[string]coverage{}
	s, n, m := summary.FindSubmatch(out), states.FindSubmatch(out), memory.FindSubmatch(out)
	if s == nil || n == nil || m == nil {
		return r, fmt.Errorf("pan has not come to an end")
	}
	for _, property := range properties {
		if !strings.Contains(string(out), property) {
			return r, fmt.Errorf("pan has not checked %q", property)
		}
	}
	r.depth, _ = strconv.Atoi(string(s[1]))
	r.errors, _ = strconv.Atoi(string(s[2]))
	r.states, _ = strconv.ParseFloat(string(n[1]), 64)
	r.megabytes, _ = strconv.ParseFloat(string(m[1]), 64)
	if e := elapsed.FindSubmatch(out); e != nil {
		r.seconds = string(e[1])
	}
	r.problem = strings.TrimSpace(string(incomplete.Find(out)))
	for _, p := range proctype.FindAllSubmatch(out, -1) {
		name, c := string(p[1]), coverage{}
		for line := range strings.Lines(string(p[2])) {
			line = strings.TrimSpace(line)
			if n := total.FindStringSubmatch(line); n != nil {
				c.total, _ = strconv.Atoi(n[2])
				continue
			}
			c.unreached = append(c.unreached, line)
		}
		if c.total == 0 {
			return r, fmt.Errorf("pan does not say what it has not reached in %s", name)
		}
		r.procs[name] = c
	}
	if r.errors == 0 && r.problem == "" && len(r.procs) == 0 {
		return r, fmt.Errorf("pan does not say what it has not reached")
	}
	return r, nil
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
	var last string // step; those within a d_step have its number as well
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
