package sessiontest_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// message is the first line of a message of a test.
var message = regexp.MustCompile(`(?m)^    \w+\.go:\d+: `)

// runTest runs a test inside of an example, and prints PASS or the messages of its
// failures, without their positions and without what the Manager has logged.
func runTest(test func(t *testing.T)) {
	for name, value := range map[string]string{"test.v": "false", "test.run": "", "test.skip": "", "test.failfast": "false"} {
		f := flag.Lookup(name)
		defer func(before string) { _ = f.Value.Set(before) }(f.Value.String())
		_ = f.Value.Set(value)
	}
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	defer r.Close()
	os.Stdout = w
	var once sync.Once // with -count and -cpu, package testing runs it several times
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.Close()
		testing.RunTests(func(string, string) (bool, error) { return true, nil },
			[]testing.InternalTest{{Name: "Test", F: func(t *testing.T) { once.Do(func() { test(t) }) }}})
	}()
	output, err := io.ReadAll(r)
	<-done
	if err != nil {
		panic(err)
	}
	if len(output) == 0 {
		fmt.Fprintln(stdout, "PASS")
		return
	}
	_, output, _ = bytes.Cut(output, []byte("\n")) // after the name of the test
	for _, text := range message.Split(string(output), -1) {
		if !strings.Contains(text, "\n        the Manager has logged:\n") {
			fmt.Fprint(stdout, strings.ReplaceAll(text, "\n        ", "\n    "))
		}
	}
}
