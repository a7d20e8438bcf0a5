package testserver_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

// childEnv says what TestChild does in a process of its own.
const childEnv = "HOLDFAST_TESTSERVER_CHILD"

// TestChild is what the tests below run, to see what is left of it.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return
	}
	t.Setenv("HOLDFAST_TEST_REDIS_ADDR", "")
	testserver.SharedRedis(t)
	if os.Getenv(childEnv) == "passes" {
		return
	}
	servers := []*testserver.Server{testserver.Redis(t), testserver.Postgres(t), testserver.Postgres(t)}
	servers[2].Freeze()
	for _, s := range servers {
		for _, pid := range append(testserver.Children(s.Pid()), s.Pid()) {
			fmt.Println("process", pid)
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	panic("as a timeout does")
}

func child(t *testing.T, behaviour string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(append(os.Environ(), childEnv+"="+behaviour), env...)
	return cmd
}

func TestSharedServersEndWithMain(t *testing.T) {
	dir := tempDir(t)
	if out, err := child(t, "passes").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantEmpty(t, dir)
}

func TestNoServerOutlivesTheBinary(t *testing.T) {
	for _, death := range []string{"panics", "is killed"} {
		t.Run(death, func(t *testing.T) {
			dir := tempDir(t)
			cmd := child(t, "panics")
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			pids := processesOf(t, stdout)
			if death == "is killed" {
				cmd.Process.Kill()
			}
			stdin.Close()
			io.Copy(io.Discard, stdout)
			if err := cmd.Wait(); err == nil {
				t.Fatal("the child passes")
			}
			awaitNothing(t, dir, pids)
		})
	}
}

// processesOf returns what a child has started, once it says that it is ready.
func processesOf(t *testing.T, stdout io.Reader) (pids []int) {
	t.Helper()
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == "ready" {
			return pids
		}
		if field, ok := strings.CutPrefix(lines.Text(), "process "); ok {
			pid, err := strconv.Atoi(field)
			if err != nil || gone(pid) {
				t.Errorf("%q: no such process", lines.Text())
			}
			pids = append(pids, pid)
		}
	}
	t.Fatal("the child did not become ready")
	return nil
}

func awaitNothing(t *testing.T, dir string, pids []int) {
	t.Helper()
	err := testserver.Poll(func() error {
		left, err := os.ReadDir(dir)
		alive := slices.DeleteFunc(slices.Clone(pids), gone)
		if err == nil && len(left)+len(alive) > 0 {
			err = fmt.Errorf("left over: %v, processes %v", left, alive)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAServerThatIsNotInstalled(t *testing.T) {
	for _, test := range []struct{ name, noskip, want string }{
		{"skips the test", "", "--- SKIP: TestChild"},
		{"fails the test under NOSKIP", "1", "--- FAIL: TestChild"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _ := child(t, "passes", "PATH=", "HOLDFAST_TEST_NOSKIP="+test.noskip).CombinedOutput()
			for _, want := range []string{test.want, "install redis-server", "HOLDFAST_TEST_REDIS_ADDR"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}
