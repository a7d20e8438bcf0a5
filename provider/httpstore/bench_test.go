package httpstore_test

import (
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// The cost of one hop: the store itself, a Unix socket, and the loopback interface.
func BenchmarkHop(b *testing.B) {
	for _, network := range []string{"none", "unix", "tcp"} {
		b.Run(network, func(b *testing.B) {
			p := hop(b, network)
			rec := storetest.NewRecord()
			rec.Data = make([]byte, 1<<10)
			if err := p.Save(b.Context(), rec, -1); err != nil {
				b.Fatal(err)
			}
			b.Run("Fetch", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.Fetch(b.Context(), rec.ID); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("Save", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					expect := rec.Version
					rec.Version++
					if err := p.Save(b.Context(), rec, expect); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// hop returns a provider over a server in memory.
func hop(b *testing.B, network string) provider.Provider {
	b.Helper()
	if network == "none" {
		return memory.New()
	}
	address, scheme := "127.0.0.1:0", "http://"
	if network == "unix" {
		address, scheme = filepath.Join(b.TempDir(), "socket"), "unix://"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler(b, memory.New())}
	go server.Serve(listener)
	b.Cleanup(func() { server.Close() })
	return client(b, scheme+listener.Addr().String(), httpstore.Options{Token: token})
}
