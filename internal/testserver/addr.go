package testserver

import (
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreeAddr returns an unused address of the loopback interface, 127.0.0.1:port, for a
// server that the test starts itself. It is not given to anybody else until the test
// ends.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	addr, claim, err := claimAddr()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { claim.Close() })
	return addr
}

// claimAddr chooses a port below those that systems use for outgoing connections (Linux
// from 32768, others from 49152), so that no connection takes the port before the server
// does, or while it is down between Kill and Restart. The same is true of the bus ports
// of Redis Cluster, 10000 above.
//
// The claim keeps the tests of other packages away: it is the UDP port of the same
// number, which no server uses. The system frees it however this process ends.
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
