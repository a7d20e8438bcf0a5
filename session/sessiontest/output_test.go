package sessiontest_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// failing is the name of the failing test that TestFailing runs, in a process of its own.
const failing = "SESSIONTEST_FAILING"

var failingTests = map[string]func(t *testing.T){
	"check fails": func(t *testing.T) { interleaveLostUpdate(t, func() {}) },
	"a fails":     func(t *testing.T) { interleaveLostUpdate(t, func() { t.Fatal("there is no request") }) },
	"data race": func(t *testing.T) {
		n := 0
		c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			done := make(chan struct{})
			go func() { n++; close(done) }()
			n++
			<-done
		})
		sessiontest.Interleave(t, c.m, c.a, c.b, c.handler, c.checkOne)
	},
	"handler waits forever": func(t *testing.T) {
		c := newRace(t, session.Config{}, setCount, func(http.ResponseWriter, *http.Request, *session.Session) { select {} })
		sessiontest.Interleave(t, c.m, c.a, c.b, c.handler, c.checkOne)
	},
	"goroutine of a handler waits forever": func(t *testing.T) {
		c := newRace(t, session.Config{}, setCount, func(http.ResponseWriter, *http.Request, *session.Session) { go func() { select {} }() })
		sessiontest.Interleave(t, c.m, c.a, c.b, c.handler, c.checkOne)
	},
	"mutex is held during a storage call": func(t *testing.T) {
		sessiontest.SetStallTime(time.Millisecond)
		var mu sync.Mutex
		c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			mu.Lock()
			defer mu.Unlock()
			_ = s.Check(r.Context())
		})
		sessiontest.Interleave(t, c.m, c.a, c.b, c.handler, c.checkOne)
	},
}

func interleaveLostUpdate(t *testing.T, reset func()) {
	k := count.LastWriteWins()
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		n, _ := k.Get(s)
		k.Set(s, n+1)
	})
	c.reset = reset
	sessiontest.Interleave(t, c.m, c.a, c.b, c.handler, func(t testing.TB, _ string, _, _ *http.Response) {
		wantCount(t, c, 3)
	})
}

func wantCount(t testing.TB, c *race, want int) {
	t.Helper()
	if n := countIn(t, c); n != want {
		t.Fatalf("the count is %d, want %d", n, want)
	}
}

// TestFailing runs one of failingTests, if the environment names it.
func TestFailing(t *testing.T) {
	if run := failingTests[os.Getenv(failing)]; run != nil {
		run(t)
	}
}

// outputOf runs one of failingTests in a process of its own and returns its output.
func outputOf(t *testing.T, name string) string {
	t.Helper()
	output, err := command(t, name).CombinedOutput()
	if err == nil {
		t.Errorf("the test %q does not fail:\n%s", name, output)
	}
	return string(output)
}

func command(t *testing.T, name string) *exec.Cmd {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable, "-test.run=^TestFailing$")
	cmd.Env = append(os.Environ(), failing+"="+name)
	return cmd
}

func TestOutputNamesOrderAndLine(t *testing.T) {
	lines := strings.Split(outputOf(t, "check fails"), "\n")
	for i, want := range []string{
		"--- FAIL: TestFailing",
		fmt.Sprintf("    output_test.go:%d: in this order: A fetch, B fetch, A save, B save: conflict", lineOf(t, "wantCount(t, c, 3)")),
		"        the count is 2, want 3",
		fmt.Sprintf("    output_test.go:%d: sessiontest: 4 of 6 interleavings failed:", lineOf(t, "c.handler, func(t testing.TB")),
		"        A fetch, B fetch, A save, B save: conflict",
		"        A fetch, B fetch, B save, A save: conflict",
		"        B fetch, A fetch, A save, B save: conflict",
		"        B fetch, A fetch, B save, A save: conflict",
		"FAIL",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is not %q; the output is\n%s", i+1, want, strings.Join(lines, "\n"))
		}
	}
}

// lineOf returns the number of the first line of this file that contains text.
func lineOf(t *testing.T, text string) int {
	t.Helper()
	source, err := os.ReadFile("output_test.go")
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(source), text)
	if !found {
		t.Fatalf("no line contains %q", text)
	}
	return 1 + strings.Count(before, "\n")
}

func TestOutput(t *testing.T) {
	for name, wants := range map[string][]string{
		"a fails": {
			"there is no request",
			"sessiontest: Interleave: a has ended its goroutine, as FailNow and SkipNow of the test do",
		},
		"handler waits forever": {
			"in this order: A fetch, B fetch\n", "for 1h0m0s of the test's clock", "do not end: deadlock",
		},
		"goroutine of a handler waits forever": {
			"in this order: A fetch, B fetch\n        goroutines that the requests or check have started do not end: deadlock",
		},
	} {
		t.Run(name, func(t *testing.T) {
			output := outputOf(t, name)
			for _, want := range wants {
				if !strings.Contains(output, want) {
					t.Errorf("the output has no %q:\n%s", want, output)
				}
			}
		})
	}
}

func TestOutputOfDataRace(t *testing.T) {
	if !raceDetector {
		t.Skip("needs the race detector")
	}
	output := outputOf(t, "data race")
	const want = "in this order: A fetch, B fetch\n        the test failed in the bubble of this order; see the messages above"
	if !strings.Contains(output, want) {
		t.Errorf("the output has no %q:\n%s", want, output)
	}
}

var hung = regexp.MustCompile("sessiontest: Interleave in TestFailing has waited for [^ ]+, after this order: A fetch")

// A request that waits for a sync.Mutex is not visible to package synctest.
func TestInterleaveThatHangsTellsTheOrder(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := command(t, "mutex is held during a storage call")
	errors, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(errors)
	for lines.Scan() {
		if hung.MatchString(lines.Text()) {
			cancel()
			_ = cmd.Wait()
			return
		}
	}
	t.Error("the process tells nothing")
}
