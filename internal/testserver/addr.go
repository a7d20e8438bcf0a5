package testserver

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreeAddr returns an address of the loopback interface, 127.0.0.1:port, at which
// nobody listens, for a server that the test starts itself.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	addr, err := freeAddr()
	if err != nil {
		tb.Fatal(err)
	}
	return addr
}

// freeAddr chooses below the ports that systems give to outgoing connections
// (Linux from 32768, others from 49152): none of those takes the port before the
// server does, or while it is down between Kill and Restart.
func freeAddr() (string, error) {
	var err error
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000)))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}
