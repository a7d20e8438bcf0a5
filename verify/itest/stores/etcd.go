package stores

import (
	"context"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// Etcd is provider/etcd on a cluster of one member, with a key prefix per space.
var Etcd = Store{
	Name:   "etcd",
	shared: testserver.SharedEtcd,
	open: func(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
		p, err := etcd.Open(url, etcd.Prefix(space+"/"))
		if err != nil {
			tb.Fatalf("stores: etcd: %v", err)
		}
		tb.Cleanup(func() { p.Close() })
		return p, nil
	},
}
