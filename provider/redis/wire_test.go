package redis_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
)

// A wire is what a client's connections run through. Its dial is a Dialer.
type wire struct {
	trips   atomic.Int64 // how often something was sent and then received
	scripts atomic.Int64 // how often the script was called
	cut     atomic.Bool  // the connection that sends the next call breaks before it receives
	onWrite atomic.Pointer[func()]
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &wireConn{TCPConn: conn.(*net.TCPConn), wire: w}, nil
}

type wireConn struct {
	*net.TCPConn
	wire *wire

	sent, broken atomic.Bool
}

func (c *wireConn) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	if !c.sent.Swap(true) {
		c.wire.trips.Add(1)
	}
	change := bytes.Contains(b, []byte("evalsha"))
	if change {
		c.wire.scripts.Add(1)
	}
	// A cluster's client also asks for the slots, in the background.
	call := change || bytes.Contains(b, []byte("getex"))
	if call && c.wire.cut.Swap(false) {
		c.broken.Store(true)
	}
	if f := c.wire.onWrite.Load(); f != nil {
		(*f)()
	}
	return n, err
}

func (c *wireConn) Read(b []byte) (int, error) {
	if c.broken.Load() {
		return 0, io.EOF
	}
	n, err := c.TCPConn.Read(b)
	c.sent.Store(false)
	return n, err
}
