package testserver

import (
	"fmt"
	"net"
	"os/exec"
	"testing"
)

// Sentinel starts a Redis Sentinel that monitors a primary as "main". It takes the
// primary for failed after a minute without an answer; SENTINEL SET changes that.
func Sentinel(tb testing.TB, primary *Server) *Server {
	tb.Helper()
	program, err := findRedis()
	require(tb, err)
	host, primaryPort, _ := net.SplitHostPort(primary.Addr)
	s, err := start(kind{
		name: "sentinel",
		url:  "redis://%s",
		command: func(dir, port string) *exec.Cmd {
			return exec.Command(program, writeConfig(dir, fmt.Sprintf("bind 127.0.0.1\nport %s\n"+
				"sentinel monitor main %s %s 1\nsentinel down-after-milliseconds main 60000\nsentinel failover-timeout main 2000\n",
				port, host, primaryPort)), "--sentinel")
		},
		ready: logged("+monitor master main"),
	})
	return own(tb, []*Server{s}, err)[0]
}
