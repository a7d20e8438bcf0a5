package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/holdfast-go/holdfast/bench/internal/machine"
)

// sizes are how many sessions are measured, and in which stores.
type sizes struct {
	sessions, cluster int
	only              string
}

// measure builds the test of package measure and the program holdfast, and runs the test,
// which writes its results to a file.
func measure(s sizes, results string) error {
	before := machine.LoadAverage() // which compiling raises
	dir, err := os.MkdirTemp("", "holdfast-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	test, tool := filepath.Join(dir, "measure.test"), filepath.Join(dir, "holdfast")
	if err := execute("go", "test", "-c", "-o", test, "./scale/measure"); err != nil {
		return err
	}
	if err := execute("go", "build", "-o", tool, "../cmd/holdfast"); err != nil {
		return err
	}
	found := filepath.Join(dir, "results")
	if err := describeMachine(found, before); err != nil {
		return err
	}
	err = execute(test, "-test.run=^TestScale$/"+s.only, "-test.timeout=2h",
		"-sessions="+strconv.Itoa(s.sessions), "-cluster="+strconv.Itoa(s.cluster),
		"-rounds=5", "-period=500ms", "-node-timeout=5s",
		"-results="+found, "-holdfast="+tool)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(found)
	if err != nil {
		return err
	}
	return os.WriteFile(results, text, 0o644)
}

func describeMachine(name, load string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := machine.Write(file, []string{"redis", "postgres"}, map[string]string{
		"go-redis":   "github.com/redis/go-redis/v9",
		"pgx":        "github.com/jackc/pgx/v5",
		"go-sqlite3": "github.com/ncruces/go-sqlite3",
	}); err != nil {
		return err
	}
	fmt.Fprintf(file, "load-before: %s\n", load)
	return file.Close()
}

// execute runs a program. The test runs in the folder of its package, as with go test.
func execute(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	if filepath.IsAbs(program) {
		cmd.Dir = "scale/measure"
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "HOLDFAST_TEST_NOSKIP=1")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	return nil
}
