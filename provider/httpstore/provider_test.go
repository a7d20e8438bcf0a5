package httpstore_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/httpstore/httpstoretest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func contract(t *testing.T, p provider.Provider) {
	t.Helper()
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

func TestContractWithOneConnection(t *testing.T) {
	server := httptest.NewServer(handler(t, memory.New()))
	t.Cleanup(server.Close)
	contract(t, client(t, server.URL, httpstore.Options{Token: token, MaxConns: 1}))
}

func TestContractOverUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{NoToken: true})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	contract(t, client(t, "unix://"+path, httpstore.Options{}))
}

// Over TLS it is HTTP/2; the server admits clients with a certificate.
func TestConformanceOverMutualTLS(t *testing.T) {
	h, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{NoToken: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("a request over %s", r.Proto)
		}
		h.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	httpstoretest.Run(t, server.URL, httpstore.Options{
		TLS: &tls.Config{RootCAs: roots, Certificates: server.TLS.Certificates},
	})
}

// This nginx caches what it may, also by the path only.
func TestConformanceThroughNginx(t *testing.T) {
	server := httptest.NewServer(handler(t, memory.New()))
	t.Cleanup(server.Close)
	proxy := testserver.Nginx(t, server.Listener.Addr().String(), "client_max_body_size 16m", "proxy_next_upstream off")
	httpstoretest.Run(t, proxy.URL, httpstore.Options{Token: token})
}
