package httpstore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

func TestMain(m *testing.M) { testserver.Main(m) }

const token = "token-of-these-tests"

// handler serves a store to clients with token.
func handler(tb testing.TB, store provider.Provider) http.Handler {
	tb.Helper()
	h, err := httpstore.Handler(store, httpstore.HandlerOptions{Token: token})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// client returns a provider that is closed at the end of the test.
func client(tb testing.TB, url string, options httpstore.Options) *httpstore.Provider {
	tb.Helper()
	p, err := httpstore.New(url, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

// serve returns a client of a server with that handler.
func serve(tb testing.TB, h http.Handler) *httpstore.Provider {
	tb.Helper()
	server := httptest.NewServer(h)
	tb.Cleanup(server.Close)
	return client(tb, server.URL, httpstore.Options{Token: token})
}

// over returns a client of a server of that store.
func over(tb testing.TB, store provider.Provider) *httpstore.Provider {
	tb.Helper()
	return serve(tb, handler(tb, store))
}
