package interop_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// transportSite is a WebTransport server and the client that dials it.
type transportSite struct {
	*webtransport.Server
	url    string
	client *webtransport.Transport
}

// serveTransport serves the handler that build makes at /ws, over HTTP/3.
func serveTransport(t *testing.T, build func(*webtransport.Server) http.Handler) *transportSite {
	t.Helper()
	certs := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(certs.Close)
	pool := x509.NewCertPool()
	pool.AddCert(certs.Certificate())
	server := &webtransport.Server{H3: &http3.Server{TLSConfig: http3.ConfigureTLSConfig(certs.TLS.Clone())}}
	server.H3.Handler = build(server)

	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(conn)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
		conn.Close()
	})
	client := &webtransport.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{http3.NextProtoH3}},
		QUICConfig:      &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true, HandshakeIdleTimeout: time.Minute},
	}
	t.Cleanup(func() { client.Close() })
	return &transportSite{server, fmt.Sprint("https://", conn.LocalAddr()), client}
}

// echoTransport upgrades with w and sends back what comes in on a stream.
func echoTransport(server *webtransport.Server, w http.ResponseWriter, r *http.Request) error {
	conn, err := server.Upgrade(w, r)
	if err != nil {
		return err
	}
	stream, err := conn.AcceptStream(r.Context())
	if err != nil {
		return err
	}
	defer stream.Close()
	said := make([]byte, 5)
	if _, err := stream.Read(said); err != nil {
		return err
	}
	_, err = stream.Write(said)
	return err
}

func (s *transportSite) dial(t *testing.T) (*http.Response, *webtransport.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, conn, err := s.client.Dial(ctx, s.url+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	return res, conn
}

// WebTransport's Upgrade asserts interfaces of the server's own ResponseWriter, which
// Unwrap hands out. The cookie goes out with the answer to the CONNECT.
func TestWebTransportUpgradesBelowUnwrap(t *testing.T) {
	for _, name := range []string{"Handler", "HandlerFunc", "Replay", "chi"} { // gin and echo route a GET there
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			site := serveTransport(t, func(server *webtransport.Server) http.Handler {
				upgrade := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := session.Load(r.Context())
					if err != nil {
						t.Error(err)
						return
					}
					count.Update(s, func(n int) int { return n + 1 })
					below, err := session.Unwrap(w)
					if err != nil {
						t.Error(err)
						return
					}
					if err := echoTransport(server, below, r); err != nil {
						t.Error(err)
					}
				})
				return grounds[name](m, upgrade)
			})
			res, conn := site.dial(t)
			if res.StatusCode != 200 || len(res.Cookies()) != 1 {
				t.Errorf("answer %d with cookies %v, want 200 with one", res.StatusCode, res.Cookies())
			}
			stream, err := conn.OpenStream()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			echoed := make([]byte, 5)
			if _, err := stream.Read(echoed); string(echoed) != "hello" {
				t.Errorf("reply %q, %v", echoed, err)
			}
			req := httptest.NewRequest("GET", "/", nil)
			req.AddCookie(res.Cookies()[0])
			seen := httptest.NewRecorder()
			m.HandlerFunc(peek).ServeHTTP(seen, req)
			if seen.Body.String() != "1" {
				t.Errorf("the session has %q, want 1", seen.Body)
			}
		})
	}
}
