package httpstore

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout      = 2 * time.Second
	handshakeTimeout = 5 * time.Second

	// idleTimeout is less than that of servers, so that no request is sent over a
	// connection that the server is closing: its outcome would be unknown. nginx has 75
	// seconds.
	idleTimeout = 50 * time.Second

	maxIdleConns = 256

	// A server may refuse a body by its Content-Length. It answers and closes the
	// connection if more is on the way than it is willing to read, and the answer may get
	// lost. net/http reads 256 KiB. So the body of a larger request is sent only when the
	// server has asked for it, or has said nothing for a while.
	expectContinueSize    = 256 << 10
	expectContinueTimeout = time.Second

	// An HTTP/2 connection on which nothing arrives is tested and closed: a request that
	// times out does not close it.
	sendPingTimeout = 2 * time.Second
	pingTimeout     = 2 * time.Second
)

// newTransport returns a transport that takes nothing from the environment.
func newTransport(socket string, options Options) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	dial := dialer.DialContext
	if socket != "" {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	t := &http.Transport{
		DialContext:           dial,
		TLSHandshakeTimeout:   handshakeTimeout,
		DisableCompression:    true,
		MaxIdleConns:          maxIdleConns,
		MaxIdleConnsPerHost:   maxIdleConns,
		MaxConnsPerHost:       options.MaxConns,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: expectContinueTimeout,
		ForceAttemptHTTP2:     true, // as there is a DialContext
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: sendPingTimeout, PingTimeout: pingTimeout},
	}
	if options.TLS != nil {
		t.TLSClientConfig = options.TLS.Clone()
	}
	return t
}
