package sessions_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// A spec says what an instance is, in a form that can be handed to another process.
type spec struct {
	Store, Server, Space string
	Ring                 bool // signing keys from the store
	TouchInterval        time.Duration
}

func (s spec) instance(t testing.TB) *instance {
	t.Helper()
	cfg := session.Config{TouchInterval: s.TouchInterval, SigningKeys: [][]byte{signingKey}}
	if s.Ring {
		cfg.SigningKeys = nil
	}
	return newInstance(t, stores.Named(s.Store).At(t, s.Server, s.Space), cfg)
}

// signingKey spares the tests the key ring and its trips.
var signingKey = bytes.Repeat([]byte("k"), 32)

// envSpec is where another process finds its spec.
const envSpec = "HOLDFAST_ITEST_INSTANCE"

// startProcess starts an instance in a process of its own, as the instances of an
// app are: the queue of those that compete for a session does not reach so far. It
// returns the instance's URL.
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
		if err := cmd.Wait(); err != nil {
			t.Errorf("the other process: %v", err)
		}
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
	server := httptest.NewServer(s.instance(t))
	defer server.Close()
	os.Stdout.WriteString("serves at " + server.URL + "\n")
	io.Copy(io.Discard, os.Stdin)
}
