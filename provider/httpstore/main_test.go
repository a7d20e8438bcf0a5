package httpstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

func TestMain(m *testing.M) { testserver.Main(m) }

const (
	token    = "token-of-these-tests"
	patience = time.Minute // bounds what should take no time
)

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

func record() *provider.Record {
	return &provider.Record{
		ID:        "ID " + rand.Text(),
		Version:   1,
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC(),
		Format:    "test",
		Data:      []byte("secret " + rand.Text()),
	}
}

// next returns a record to be saved in the place of rec.
func next(rec *provider.Record) *provider.Record {
	n := rec.Clone()
	n.Version++
	n.Data = []byte("secret " + rand.Text())
	return n
}

// save wants a Save to end with an error that wraps want, or none.
func save(tb testing.TB, p provider.Provider, rec *provider.Record, expectVersion int64, want error) error {
	tb.Helper()
	err := p.Save(tb.Context(), rec, expectVersion)
	if !errors.Is(err, want) {
		tb.Fatalf("Save, expecting version %d: got error %v, want %v", expectVersion, err, want)
	}
	return err
}

// lacks wants no such record to be there.
func lacks(tb testing.TB, p provider.Provider, id string) {
	tb.Helper()
	if _, err := p.Fetch(tb.Context(), id); !errors.Is(err, provider.ErrNotFound) {
		tb.Errorf("Fetch: got error %v, want ErrNotFound", err)
	}
}

// holds wants the record to be there in that version.
func holds(tb testing.TB, p provider.Provider, want *provider.Record) {
	tb.Helper()
	got, err := p.Fetch(tb.Context(), want.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if got.Version != want.Version || string(got.Data) != string(want.Data) {
		tb.Errorf("Fetch: got version %d with Data %q, want %d with %q", got.Version, got.Data, want.Version, want.Data)
	}
}

// eventually polls until done.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: still not after %v", what, patience)
		}
	}
}
