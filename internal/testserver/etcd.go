package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Etcd starts a cluster of one member. args are passed to etcd.
func Etcd(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s, err := startEtcd(args...)
	return own(tb, []*Server{s}, err)[0]
}

// SharedEtcd returns the URL of a shared cluster of one member.
func SharedEtcd(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("HOLDFAST_TEST_ETCD_URL"); url != "" {
		return url
	}
	servers, err := sharedEtcd()
	require(tb, err)
	return servers[0].URL
}

var sharedEtcd = once(func() ([]*Server, error) {
	s, err := startEtcd()
	return []*Server{s}, err
})

func startEtcd(args ...string) (*Server, error) {
	program, err := findEtcd()
	if err != nil {
		return nil, err
	}
	// A cluster of one has no peers: any port will do for them.
	const peers = "http://127.0.0.1:0"
	return start(kind{
		name: "etcd",
		url:  "etcd://%s",
		command: func(dir, port string) *exec.Cmd {
			return exec.Command(program, append(etcdArgs(dir, port),
				append([]string{"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default=" + peers}, args...)...)...)
		},
		ready: logged(etcdReady),
	})
}

// etcdReady is logged by a member that is one of a cluster with a leader.
const etcdReady = "serving client traffic insecurely"

func etcdArgs(dir, port string) []string {
	at := "http://127.0.0.1:" + port
	return []string{"--data-dir", filepath.Join(dir, "data"), "--logger", "zap", "--listen-client-urls", at, "--advertise-client-urls", at}
}

// EtcdCluster starts a cluster of three members.
func EtcdCluster(tb testing.TB) []*Server {
	tb.Helper()
	program, err := findEtcd()
	require(tb, err)
	var initial, peers []string
	for i := range 3 {
		peers = append(peers, "http://"+FreeAddr(tb))
		initial = append(initial, fmt.Sprintf("member%d=%s", i, peers[i]))
	}
	members := make([]*Server, 3)
	for i := range members {
		s, err := startEtcdMember(program, fmt.Sprint("member", i), peers[i], strings.Join(initial, ","), i < 2)
		members[i] = own(tb, []*Server{s}, err)[0]
	}
	for _, s := range members {
		require(tb, poll(func() error {
			if !accepts(s.Addr, nil) {
				return errors.New("testserver: etcd: a member of the cluster does not serve clients")
			}
			return nil
		}))
	}
	return members
}

// startEtcdMember starts a member. Without the others it gets no leader: until most of
// them are there, it is ready as soon as it listens.
func startEtcdMember(program, name, peer, initial string, early bool) (*Server, error) {
	k := kind{
		name: "etcd",
		url:  "etcd://%s",
		command: func(dir, port string) *exec.Cmd {
			return exec.Command(program, append(etcdArgs(dir, port), "--name", name,
				"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", initial)...)
		},
		ready: logged(etcdReady),
	}
	if early {
		k.ready = func(string, []byte) bool { return accepts(strings.TrimPrefix(peer, "http://"), nil) }
	}
	return start(k)
}

func findEtcd() (string, error) {
	program, err := exec.LookPath("etcd")
	if err != nil {
		err = missing("install etcd (Debian: apt-get install etcd-server) or set HOLDFAST_TEST_ETCD_URL")
	}
	return program, err
}
