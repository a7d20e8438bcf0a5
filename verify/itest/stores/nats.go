package stores

import (
	"context"
	"testing"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
)

// Nats is provider/nats on one server, with a bucket per space.
var Nats = Store{
	Name:   "nats",
	shared: testserver.SharedNats,
	open: func(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
		return openNats(tb, url, space)
	},
}

// NatsReplicas is provider/nats on a cluster of three servers, each of which keeps the
// bucket.
var NatsReplicas = Store{
	Name:   "nats replicas",
	shared: testserver.SharedNatsCluster,
	open: func(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
		return openNats(tb, url, space, nats.Replicas(3))
	},
}

func openNats(tb testing.TB, url, space string, opts ...nats.Option) (provider.Provider, func(context.Context)) {
	p, err := nats.Open(url, append(opts, nats.Bucket(space))...)
	if err != nil {
		tb.Fatalf("stores: nats: %v", err)
	}
	tb.Cleanup(func() { p.Close() })
	return p, func(ctx context.Context) { removeBucket(ctx, url, space) }
}

func removeBucket(ctx context.Context, url, name string) {
	conn, err := natsclient.Connect(url)
	if err != nil {
		return
	}
	defer conn.Close()
	if js, err := jetstream.New(conn); err == nil {
		js.DeleteKeyValue(ctx, name)
	}
}
