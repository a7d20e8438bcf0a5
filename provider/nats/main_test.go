package nats_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// patience bounds what should take no time.
const patience = time.Minute

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
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
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

func record() *provider.Record {
	return &provider.Record{
		ID:        rand.Text(),
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

// list returns the IDs that List yields.
func list(ctx context.Context, p provider.Provider, prefix string) (ids []string, err error) {
	for rec, err := range provider.List(ctx, p, prefix) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, rec.ID)
	}
	return ids, nil
}
