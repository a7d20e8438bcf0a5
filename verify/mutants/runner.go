package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stage is some tests of one package.
type stage struct {
	pkg       string
	run, skip string // patterns
	args      []string
}

// runner builds mutants and runs tests on them.
type runner struct {
	root  string
	temp  string
	bound time.Duration
	slow  bool

	rules, units, sim, http stage

	plain *build // without a mutant

	mu    sync.Mutex
	sound map[string]*soundness // of each stage
}

func newRunner(programs int, bound time.Duration, slow bool) (*runner, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	b := &runner{
		root:  filepath.Dir(strings.TrimSpace(string(mod))),
		temp:  temp,
		bound: bound,
		slow:  slow,
		rules: stage{pkg: "session", run: "^TestRule"},
		sim:   stage{pkg: "verify/sim", run: "^TestPrograms$", args: []string{"-programs", strconv.Itoa(programs)}},
		units: stage{pkg: "session", skip: "^Test(Rule|HTTP)"},
		http:  stage{pkg: "session", run: "^TestHTTP"},
		sound: map[string]*soundness{},
	}
	b.plain, err = b.newBuild(fileSet{}.overlay)
	return b, err
}

// stages returns the stages that a mutant of the package in dir goes through, the
// cheapest first.
func (b *runner) stages(dir string) []stage {
	var all []stage
	if dir == adminPages {
		return []stage{{pkg: dir}}
	}
	if dir != "session" && dir != paging {
		all = append(all, stage{pkg: dir})
	}
	if dir == "provider" || dir == paging {
		all = append(all, stage{pkg: "provider/memory"})
	}
	if dir == broadcasting {
		all = append(all, stage{pkg: watching})
	}
	all = append(all, b.rules, b.units, b.sim)
	if b.slow {
		all = append(all, b.http)
	}
	return all
}

// verdict is what became of a mutant.
type verdict struct {
	test string // that caught it
	how  string // if not by simply failing
	err  error  // it was not caught, or could not be tried
}

func (v verdict) String() string {
	switch {
	case v.err != nil:
		return "**" + v.err.Error() + "**"
	case v.how != "":
		return "`" + v.test + "` (" + v.how + ")"
	}
	return "`" + v.test + "`"
}

var errSurvived = errors.New("nothing")

// try runs the stages until one of them catches m.
func (b *runner) try(m *mutant) verdict {
	for _, s := range b.stages(m.home) {
		s, err := b.check(s)
		if err != nil {
			return verdict{err: err}
		}
		bin, err := m.build.tests(s.pkg)
		if err != nil {
			return verdict{err: err}
		}
		if v := b.caught(s, bin, m.id); v != (verdict{}) {
			return v
		}
	}
	return verdict{err: errSurvived}
}

// caught returns the verdict of s on bin, the zero one if every test passes. A
// test that fails now and then, whatever the code, has caught nothing.
func (b *runner) caught(s stage, bin, id string) verdict {
	for {
		v := b.run(s, bin, id)
		if v.test == "" || v.how == hangs {
			return v
		}
		alone := s
		alone.run = "^" + top(v.test) + "$"
		if again := b.run(alone, bin, id); again.test != "" {
			return v
		}
		s = s.without(top(v.test))
	}
}

// top returns the name of the function of a test.
func top(test string) string {
	_, name, _ := strings.Cut(test, " ")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// soundness is what the tests of a stage say of the code as it is.
type soundness struct {
	once   sync.Once
	failed []string // they cannot tell a mutant
	err    error
}

// check returns s without the tests that fail without any mutant.
func (b *runner) check(s stage) (stage, error) {
	b.mu.Lock()
	key := fmt.Sprint(s)
	known := b.sound[key]
	if known == nil {
		known = new(soundness)
		b.sound[key] = known
	}
	b.mu.Unlock()
	known.once.Do(func() { known.failed, known.err = b.checkNow(s) })
	for _, name := range known.failed {
		s = s.without(name)
	}
	return s, known.err
}

func (b *runner) checkNow(s stage) (failed []string, err error) {
	bin, err := b.plain.tests(s.pkg)
	if err != nil {
		return nil, err
	}
	for {
		v := b.run(s, bin, "")
		if v.test == "" {
			return failed, v.err
		}
		log.Printf("%v fails without any mutant", v)
		failed = append(failed, top(v.test))
		s = s.without(top(v.test))
	}
}

func (s stage) without(test string) stage {
	s.skip = strings.TrimPrefix(s.skip+"|^"+test+"$", "|")
	return s
}

// unsound returns how many tests fail without any mutant.
func (b *runner) unsound() (n int) {
	for _, s := range b.sound {
		n += len(s.failed)
	}
	return n
}

const hangs = "hangs"

var (
	failed  = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
	started = regexp.MustCompile(`(?m)^=== RUN +(\S+)`)
	seed    = regexp.MustCompile(`seed \d+`)
)

// run runs the tests of s, up to the first that fails.
func (b *runner) run(s stage, bin, id string) verdict {
	args := append([]string{"-test.v", "-test.failfast", "-test.timeout", b.bound.String(), "-test.run", s.run, "-test.skip", s.skip}, s.args...)
	cmd := exec.Command(bin, args...)
	cmd.Dir = filepath.Join(b.root, s.pkg)
	cmd.Env = append(os.Environ(), activeEnv+"="+id)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return verdict{}
	case !errors.As(err, &exit):
		return verdict{err: err}
	case bytes.Contains(text, []byte("panic: test timed out")):
		return verdict{test: s.pkg + " " + last(started, text), how: hangs}
	}
	name := deepest(text)
	v := verdict{test: s.pkg + " " + cmp.Or(name, last(started, text)), how: string(seed.Find(text))}
	if bytes.Contains(text, []byte("\npanic: ")) || bytes.Contains(text, []byte("\nfatal error: ")) {
		v.how = "panic"
	}
	return v
}

// deepest returns the innermost of the tests that failed first.
func deepest(text []byte) (name string) {
	for _, found := range failed.FindAllSubmatch(text, -1) {
		if next := string(found[1]); name == "" || strings.HasPrefix(next, name+"/") {
			name = next
		}
	}
	return name
}

func last(pattern *regexp.Regexp, text []byte) string {
	found := pattern.FindAllSubmatch(text, -1)
	if found == nil {
		return ""
	}
	return string(found[len(found)-1][1])
}
