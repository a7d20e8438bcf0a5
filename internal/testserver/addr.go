package testserver

import (
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreeAddr returns an address of the loopback interface, 127.0.0.1:port, at which
// nobody listens, for a server that the test starts itself. Until the test ends,
// nobody else is given it.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	addr, claim, err := claimAddr()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { claim.Close() })
	return addr
}

// claimAddr chooses below the ports that systems give to outgoing connections
// (Linux from 32768, others from 49152): none of those takes the port before the
// server does, or while it is down between Kill and Restart. Nor do the buses of
// Redis Cluster, 10000 above.
//
// What keeps the tests of other packages away meanwhile is the claim, the UDP port
// of the same number, which no server has a use for. The system frees it however
// this process ends.
func claimAddr() (addr string, claim io.Closer, err error) {
	for range 100 {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(10000)))
		if claim, err = net.ListenPacket("udp", addr); err != nil {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, claim, l.Close()
		}
		claim.Close()
	}
	return "", nil, err
}
