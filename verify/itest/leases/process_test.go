package leases_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// envSpec is where another process finds its spec.
const envSpec = "HOLDFAST_LEASES_INSTANCE"

// startProcess starts an instance in a process of its own, and returns its URL.
func startProcess(t *testing.T, s spec) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInstanceOfItsOwn$", "-test.v")
	cmd.Env = append(os.Environ(), envSpec+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // it ends by itself, and with this process in any case
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "serves at "); ok {
			go io.Copy(io.Discard, out)
			return url
		}
	}
	t.Fatal("the other process does not serve")
	return ""
}

// TestInstanceOfItsOwn is what the other process runs, and no test elsewhere.
func TestInstanceOfItsOwn(t *testing.T) {
	text := os.Getenv(envSpec)
	if text == "" {
		return
	}
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	p, done := stores.Named(s.Store).Visit(t, s.Server, s.Space) // it removes no records that others use
	defer done()
	server := httptest.NewServer(s.instance(t, p).routes())
	defer server.Close()
	os.Stdout.WriteString("serves at " + server.URL + "\n")
	io.Copy(io.Discard, os.Stdin)
}
