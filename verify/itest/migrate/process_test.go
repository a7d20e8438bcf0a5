package migrate_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// A place is where the records of a store are, in a form that can be handed to another
// process.
type place struct{ Store, Server, Space string }

// newPlace returns one that is empty.
func newPlace(t *testing.T, s stores.Store) place {
	t.Helper()
	p := place{s.Name, s.Server(t), stores.Space()}
	p.open(t) // creates the table, and removes it in the end
	return p
}

func (p place) open(t testing.TB) provider.Provider {
	t.Helper()
	return stores.Named(p.Store).At(t, p.Server, p.Space)
}

// visit returns a provider for a process that leaves the table to the others.
func (p place) visit(t testing.TB) (provider.Provider, func()) {
	t.Helper()
	return stores.Named(p.Store).Visit(t, p.Server, p.Space)
}

// A spec says what an instance is.
type spec struct {
	From, To place
	Phase    phase
}

const envSpec = "HOLDFAST_ITEST_MIGRATE_INSTANCE"

// A process is an instance of an app in a process of its own.
type process struct {
	t    *testing.T
	url  string
	cmd  *exec.Cmd
	in   io.Closer
	ends bool // it was told to
}

func startProcess(t *testing.T, s spec) *process {
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
	p := &process{t: t, cmd: cmd, in: in}
	t.Cleanup(p.stop)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "serves at "); ok {
			go io.Copy(io.Discard, out)
			p.url = url
			return p
		}
	}
	t.Fatal("the other process does not serve")
	return nil
}

// stop lets the process answer what it has been asked, and end.
func (p *process) stop() {
	if p.ends {
		return
	}
	p.ends = true
	p.in.Close() // it also ends with this process
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the other process: %v", err)
	}
}

// kill ends the process in the middle of what it does.
func (p *process) kill() {
	p.ends = true
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Errorf("the other process: %v", err)
	}
	_ = p.cmd.Wait()
	p.in.Close()
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
	from, closeFrom := s.From.visit(t)
	defer closeFrom()
	to, closeTo := s.To.visit(t)
	defer closeTo()
	server := httptest.NewServer(routes(newManager(t, s.Phase.in(t, from, to))))
	defer server.Close()
	os.Stdout.WriteString("serves at " + server.URL + "\n")
	io.Copy(io.Discard, os.Stdin)
}
