package nats_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/nats"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// dial returns the JetStream of a server, whose connection is closed at the end of the
// test.
func dial(tb testing.TB, url string, opts ...natsclient.Option) jetstream.JetStream {
	tb.Helper()
	conn, err := natsclient.Connect(url, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		tb.Fatal(err)
	}
	return js
}

// shared returns the JetStream of the shared server.
func shared(tb testing.TB, opts ...natsclient.Option) jetstream.JetStream {
	tb.Helper()
	return dial(tb, testserver.SharedNats(tb), opts...)
}

// open returns the provider of a URL, which is closed at the end of the test.
func open(tb testing.TB, url string, opts ...nats.Option) *nats.Provider {
	tb.Helper()
	p, err := nats.Open(url, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

func newName() string { return "test_" + strings.ToLower(rand.Text()) }

// newBucket creates a bucket for the test and returns its name.
func newBucket(tb testing.TB, js jetstream.JetStream, opts ...nats.Option) string {
	tb.Helper()
	name := newName()
	create(tb, nats.New(js, append(opts, nats.Bucket(name))...))
	tb.Cleanup(func() { _ = js.DeleteStream(context.WithoutCancel(tb.Context()), "KV_"+name) })
	return name
}

func create(tb testing.TB, p *nats.Provider) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), storetest.Patience)
	defer cancel()
	if err := p.CreateBucket(ctx); err != nil {
		tb.Fatal(err)
	}
}

// store returns a provider with a bucket of its own, and the way to look at it.
func store(tb testing.TB) (p *nats.Provider, js jetstream.JetStream, bucket string) {
	tb.Helper()
	js = shared(tb)
	bucket = newBucket(tb, js)
	return nats.New(js, nats.Bucket(bucket)), js, bucket
}
