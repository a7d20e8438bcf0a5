package testserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis starts a standalone server that saves nothing to disk, unless args, which are
// passed to redis-server, change that:
//
//	testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
func Redis(tb testing.TB, args ...string) *Server {
	tb.Helper()
	servers, err := startRedis(1, args...)
	return own(tb, servers, err)[0]
}

// SharedRedis returns the address of a shared standalone server.
func SharedRedis(tb testing.TB) string {
	tb.Helper()
	if addr := os.Getenv("HOLDFAST_TEST_REDIS_ADDR"); addr != "" {
		return addr
	}
	servers, err := sharedRedis()
	require(tb, err)
	return servers[0].Addr
}

var sharedRedis = once(func() ([]*Server, error) { return startRedis(1) })

// RedisReplica starts a primary and a replica that is in sync with it, both with args.
func RedisReplica(tb testing.TB, args ...string) (primary, replica *Server) {
	tb.Helper()
	primary = Redis(tb, args...)
	host, port, _ := net.SplitHostPort(primary.Addr)
	replica = Redis(tb, append([]string{"--replicaof", host + " " + port}, args...)...)
	require(tb, poll(func() error { return inSync(replica) }))
	return primary, replica
}

// inSync returns an error unless the replica is in sync with its primary.
func inSync(replica *Server) error {
	info, err := redisCommand(replica.Addr, "INFO replication")
	if err == nil && !strings.Contains(info, "master_link_status:up") {
		err = errors.New("the replica is not in sync")
	}
	return err
}

func startRedis(n int, args ...string) (servers []*Server, err error) {
	program, err := findRedis()
	if err != nil {
		return nil, err
	}
	k := kind{
		name: "redis",
		url:  "redis://%s/0",
		command: func(_, port string) *exec.Cmd {
			return exec.Command(program, append([]string{
				"--bind", "127.0.0.1", "--port", port, "--save", "", "--repl-diskless-sync-delay", "0",
			}, args...)...)
		},
		ready: logged("Ready to accept connections"),
	}
	for range n {
		s, err := start(k)
		if err != nil {
			stop(servers)
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

func findRedis() (string, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		err = missing("install redis-server (Debian: apt-get install redis-server) or set HOLDFAST_TEST_REDIS_ADDR")
	}
	return program, err
}

// redisCommand returns the reply to a command, if it is a line or a string. Arguments
// must not contain spaces.
func redisCommand(addr, command string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(pollTimeout))
	fmt.Fprintf(conn, "%s\r\n", command)
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	typ, line := line[0], strings.TrimSpace(line[1:])
	switch typ {
	case '-':
		return "", errors.New(line)
	case '$':
		n, err := strconv.Atoi(line)
		if err != nil || n < 0 {
			return "", err
		}
		reply := make([]byte, n)
		_, err = io.ReadFull(r, reply)
		return string(reply), err
	}
	return line, nil
}
