package testserver

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Nats starts a server of NATS with JetStream, which writes each change to the disk
// before it acknowledges it. args are passed to internal/natsserver.
func Nats(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s, err := startNats(args...)
	return own(tb, []*Server{s}, err)[0]
}

// SharedNats returns the URL of a shared server.
func SharedNats(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("HOLDFAST_TEST_NATS_URL"); url != "" {
		return url
	}
	servers, err := sharedNats()
	require(tb, err)
	return servers[0].URL
}

var sharedNats = once(func() ([]*Server, error) {
	s, err := startNats()
	return []*Server{s}, err
})

// SharedNatsCluster returns the URL of a shared cluster of three servers.
func SharedNatsCluster(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("HOLDFAST_TEST_NATS_CLUSTER_URL"); url != "" {
		return url
	}
	servers, err := sharedNatsCluster()
	require(tb, err)
	return NatsURL(servers)
}

var sharedNatsCluster = once(startNatsCluster)

// NatsCluster starts a cluster of three servers.
func NatsCluster(tb testing.TB) []*Server {
	tb.Helper()
	servers, err := startNatsCluster()
	return own(tb, servers, err)
}

// NatsURL returns the URL of a cluster.
func NatsURL(servers []*Server) string {
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, s.Addr)
	}
	return "nats://" + strings.Join(addrs, ",")
}

func startNats(args ...string) (*Server, error) {
	program, err := natsProgram()
	if err != nil {
		return nil, err
	}
	return start(kind{
		name: "nats",
		url:  "nats://%s",
		command: func(dir, port string) *exec.Cmd {
			return exec.Command(program, append([]string{"-addr", "127.0.0.1:" + port, "-dir", filepath.Join(dir, "data")}, args...)...)
		},
		ready: logged("ready"),
	})
}

func startNatsCluster() (servers []*Server, err error) {
	var routes []string
	for range 3 {
		addr, claim, err := claimAddr()
		if err != nil {
			return nil, err
		}
		defer claim.Close()
		routes = append(routes, addr)
	}
	for i, route := range routes {
		s, err := startNats("-name", fmt.Sprint("server", i), "-cluster", route, "-routes", strings.Join(routes, ","))
		if err != nil {
			stop(servers)
			return nil, err
		}
		servers = append(servers, s)
	}
	if err := poll(func() error { return areCurrent(servers) }); err != nil {
		stop(servers)
		return nil, err
	}
	return servers, nil
}

func areCurrent(servers []*Server) error {
	for _, s := range servers {
		if !bytes.Contains(s.log(), []byte("current")) {
			return errors.New("testserver: nats: the cluster is not complete")
		}
	}
	return nil
}

// natsProgram builds internal/natsserver into the user's cache, unless it is there. Its
// name is that of its sources.
var natsProgram = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "holdfast")
	name, err := natsName()
	if err != nil {
		return "", err
	}
	program := filepath.Join(cache, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if _, err := goCommand("build", "-o", filepath.Join(temp, name), natsPackage); err != nil {
		return "", err
	}
	return program, os.Rename(filepath.Join(temp, name), program)
})

const natsPackage = "github.com/holdfast-go/holdfast/internal/natsserver"

func natsName() (string, error) {
	dir, err := goCommand("list", "-f", "{{.Dir}}", natsPackage)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version())
	for _, file := range []string{"main.go", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	return fmt.Sprintf("natsserver-%x", h.Sum(nil)[:8]), nil
}

// goCommand returns what the go command prints. It finds the module in the workspace.
func goCommand(args ...string) (string, error) {
	program, err := exec.LookPath("go")
	if err != nil {
		return "", missing("install Go, which builds the server of NATS, or set HOLDFAST_TEST_NATS_URL and HOLDFAST_TEST_NATS_CLUSTER_URL")
	}
	cmd := exec.Command(program, args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("testserver: go %s: %w\n%s", args[0], err, &problems)
	}
	return strings.TrimSpace(string(out)), nil
}
