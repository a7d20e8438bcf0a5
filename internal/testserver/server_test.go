package testserver_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

// A store is a kind of server as the tests see it.
type store struct {
	name  string
	start func(testing.TB) *testserver.Server
	hello string // what is answered to whoever says it first
	put   func(s *testserver.Server, value string) error
	get   func(s *testserver.Server) (string, error)
}

var stores = []store{
	{"Redis", durableRedis, "PING\r\n", redisPut, redisGet},
	{"Postgres", durablePostgres, "\x00\x00\x00\x08\x04\xd2\x16\x2f", postgresPut, postgresGet}, // SSLRequest
	{"DynamoDB", testserver.DynamoDB, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", dynamoPut, dynamoGet},
}

func durableRedis(tb testing.TB) *testserver.Server {
	return testserver.Redis(tb, "--appendonly", "yes", "--appendfsync", "always")
}

func durablePostgres(tb testing.TB) *testserver.Server { return testserver.Postgres(tb) }

func eachStore(t *testing.T, f func(*testing.T, store)) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}

func TestKillAndRestartKeepTheData(t *testing.T) {
	eachStore(t, func(t *testing.T, store store) {
		s := store.start(t)
		if err := store.put(s, "value"); err != nil {
			t.Fatal("put:", err)
		}
		addr, pid := s.Addr, s.Pid()
		s.Kill()
		if _, err := store.get(s); err == nil {
			t.Error("answers after Kill")
		}
		s.Restart()
		if s.Addr != addr || s.Pid() == pid {
			t.Errorf("restarted at %s as process %d, was %s and %d", s.Addr, s.Pid(), addr, pid)
		}
		if got, err := store.get(s); got != "value" || err != nil {
			t.Errorf("get after Restart = %q, %v", got, err)
		}
	})
}

// A server that listens on all interfaces answers at 127.0.0.2 as well, and to other
// machines.
func TestServersListenOnOneAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, store store) {
		_, port, _ := net.SplitHostPort(store.start(t).Addr)
		if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.2", port)); err == nil {
			conn.Close()
			t.Error("the server is reachable at another address than 127.0.0.1")
		}
	})
}

func TestRestartKillsARunningServer(t *testing.T) {
	s := testserver.Redis(t)
	pid := s.Pid()
	s.Restart()
	if state := testserver.State(pid); state != 0 {
		t.Errorf("the old process is in state %c", state)
	}
	if _, err := redisGet(s); err != nil {
		t.Error(err)
	}
}

func TestFreezeAndThaw(t *testing.T) {
	eachStore(t, func(t *testing.T, store store) {
		s := store.start(t)
		before := dial(t, s)
		s.Freeze()
		wantStopped(t, s, true)
		after := dial(t, s)
		say(t, before, store.hello)
		say(t, after, store.hello)
		for name, conn := range map[string]net.Conn{"before": before, "after": after} {
			conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := conn.Read(make([]byte, 1)); !os.IsTimeout(err) {
				t.Errorf("a frozen server, connected to %s: %v, want a timeout", name, err)
			}
		}
		s.Thaw()
		wantStopped(t, s, false)
		for name, conn := range map[string]net.Conn{"before": before, "after": after} {
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Errorf("a thawed server, connected to %s: %v", name, err)
			}
		}
	})
}

// wantStopped needs a /proc to see anything. A child that has ended is neither: its
// parent, if stopped itself, has yet to wait for it.
func wantStopped(t *testing.T, s *testserver.Server, want bool) {
	t.Helper()
	for _, pid := range append(testserver.Children(s.Pid()), s.Pid()) {
		state := testserver.State(pid)
		if stopped := state == 'T'; state != 0 && state != 'Z' && stopped != want {
			t.Errorf("process %d of the server at %d is in state %c", pid, s.Pid(), state)
		}
	}
}

func dial(t *testing.T, s *testserver.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func say(t *testing.T, conn net.Conn, words string) {
	t.Helper()
	if _, err := conn.Write([]byte(words)); err != nil {
		t.Fatal(err)
	}
}

// Another package's server would be killed, restarted and talked to for this one.
func TestTheAddressOfAServerThatIsDownIsKept(t *testing.T) {
	s := testserver.Redis(t)
	s.Kill()
	if claim, err := net.ListenPacket("udp", s.Addr); err == nil {
		claim.Close()
		t.Error("anybody may have it")
	}
}

func TestStartTriesOtherPorts(t *testing.T) {
	var ports []string
	s, err := testserver.StartCommand(func(_, port string) *exec.Cmd {
		if ports = append(ports, port); len(ports) < 3 {
			return exec.Command("false")
		}
		return exec.Command("sh", "-c", "echo ready; exec sleep 600")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if len(ports) != 3 || ports[0] == ports[1] || !strings.HasSuffix(s.Addr, ":"+ports[2]) {
		t.Errorf("tried %v, address %s", ports, s.Addr)
	}
}

func TestStartGivesUpAndShowsTheLog(t *testing.T) {
	dir := tempDir(t)
	_, err := testserver.StartCommand(func(string, string) *exec.Cmd {
		return exec.Command("sh", "-c", "echo the reason >&2; exit 1")
	})
	if err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("error = %v, want the log in it", err)
	}
	wantEmpty(t, dir)
}

// tempDir is where servers make their folders from now on.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "testserver-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
