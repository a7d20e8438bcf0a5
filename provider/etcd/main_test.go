package etcd_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// dial returns a client of a server that is closed at the end of the test.
func dial(tb testing.TB, url string, set ...func(*clientv3.Config)) *clientv3.Client {
	tb.Helper()
	cfg := clientv3.Config{Endpoints: []string{"http://" + strings.TrimPrefix(url, "etcd://")}, Logger: zap.NewNop()}
	for _, f := range set {
		f(&cfg)
	}
	client, err := clientv3.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { client.Close() })
	return client
}

// impatient makes a client try reads twice at most.
func impatient(cfg *clientv3.Config) {
	cfg.MaxUnaryRetries = 2
	cfg.DialOptions = append(cfg.DialOptions, grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1, MaxDelay: 50 * time.Millisecond},
	}))
}

// shared returns a client of the shared server.
func shared(tb testing.TB, set ...func(*clientv3.Config)) *clientv3.Client {
	tb.Helper()
	return dial(tb, testserver.SharedEtcd(tb), set...)
}

// open returns the provider of a URL, which is closed at the end of the test.
func open(tb testing.TB, url string, opts ...etcd.Option) *etcd.Provider {
	tb.Helper()
	p, err := etcd.Open(url, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

// store returns a provider with a prefix of its own, and the way to look at it.
func store(tb testing.TB) (p *etcd.Provider, client *clientv3.Client, prefix string) {
	tb.Helper()
	client, prefix = shared(tb), newPrefix(tb)
	return etcd.New(client, etcd.Prefix(prefix)), client, prefix
}

// newPrefix returns a prefix whose keys are removed at the end of the test.
func newPrefix(tb testing.TB) string {
	tb.Helper()
	prefix := "test/" + rand.Text() + "/"
	client := shared(tb)
	tb.Cleanup(func() {
		if _, err := client.Delete(context.WithoutCancel(tb.Context()), prefix, clientv3.WithPrefix()); err != nil {
			tb.Error(err)
		}
	})
	return prefix
}

// put writes a value beside the provider.
func put(tb testing.TB, client *clientv3.Client, key, value string) {
	tb.Helper()
	if _, err := client.Put(tb.Context(), key, value); err != nil {
		tb.Fatal(err)
	}
}

// value returns what a key holds; "" if there is no such key.
func value(tb testing.TB, client *clientv3.Client, key string) string {
	tb.Helper()
	resp, err := client.Get(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	if len(resp.Kvs) == 0 {
		return ""
	}
	return string(resp.Kvs[0].Value)
}

// count returns the number of keys that begin with prefix.
func count(tb testing.TB, client *clientv3.Client, prefix string) int64 {
	tb.Helper()
	resp, err := client.Get(tb.Context(), prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		tb.Fatal(err)
	}
	return resp.Count
}

// wantAbsent wants a conflict to say that there is no record.
func wantAbsent(t *testing.T, err error) {
	t.Helper()
	if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current != nil {
		t.Errorf("got %#v, want a ConflictError without a current record", err)
	}
}

// each calls every method.
func each(t *testing.T, p *etcd.Provider, rec *provider.Record, check func(t *testing.T, name string, err error)) {
	t.Helper()
	ctx := t.Context()
	for _, call := range []struct {
		name string
		do   func() error
	}{
		{"Fetch", func() error { _, err := p.Fetch(ctx, rec.ID); return err }},
		{"create", func() error { return p.Save(ctx, rec, 0) }},
		{"update", func() error { return p.Save(ctx, rec, rec.Version+1) }},
		{"unchecked Save", func() error { return p.Save(ctx, rec, -1) }},
		{"Delete", func() error { return p.Delete(ctx, rec.ID) }},
		{"Purge", func() error { _, err := p.Purge(ctx); return err }},
		{"List", func() error { _, err := storetest.List(ctx, p, ""); return err }},
	} {
		t.Run(call.name, func(t *testing.T) { check(t, call.name, call.do()) })
	}
}

// discreet wants an error to have the package's prefix, and neither ID nor data.
func discreet(tb testing.TB, err error, rec *provider.Record) {
	tb.Helper()
	if err == nil {
		tb.Error("got no error")
		return
	}
	if !strings.HasPrefix(err.Error(), "etcd: ") {
		tb.Errorf("the error %q does not begin with the package's name", err)
	}
	for _, secret := range []string{rec.ID, string(rec.Data), fmt.Sprintf("%x", rec.Data)} {
		if strings.Contains(fmt.Sprintf("%+v", err), secret) {
			tb.Errorf("the error %q contains %q", err, secret)
		}
	}
}
