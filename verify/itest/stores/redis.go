package stores

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

// Redis is provider/redis on a standalone server, with a key prefix per space.
var Redis = Store{
	Name:   "redis",
	shared: func(tb testing.TB) string { return "redis://" + testserver.SharedRedis(tb) + patiently },
	open: func(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
		p, err := redisprovider.Open(url, redisprovider.Prefix(space+":"))
		if err != nil {
			tb.Fatalf("stores: redis: %v", err)
		}
		tells(tb, p, func() string { return fmt.Sprintf("go-redis: %+v", *clientOf(p).PoolStats()) })
		tb.Cleanup(func() { p.Close() })
		return p, nil
	},
}

// clientOf returns the client of a provider that has made it itself, which it tells
// nobody: only for what a test says when it fails.
func clientOf(p *redisprovider.Provider) *goredis.Client {
	field := reflect.ValueOf(p).Elem().FieldByName("client")
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(*goredis.Client)
}

// patiently: nobody harms the shared server, so a call that times out over it would
// tell of a slow machine only.
var patiently = fmt.Sprintf("?dial_timeout=%[1]v&read_timeout=%[1]v&write_timeout=%[1]v&pool_timeout=%[1]v", patience)

// RedisCluster is provider/redis on a cluster of three masters. It cannot be had
// through a proxy: the cluster tells its clients the masters' own addresses.
var RedisCluster = Store{
	Name:   "redis cluster",
	shared: func(tb testing.TB) string { return strings.Join(testserver.RedisCluster(tb), ",") },
	open: func(tb testing.TB, addrs, space string) (provider.Provider, func(context.Context)) {
		client := goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs:                 strings.Split(addrs, ","),
			ContextTimeoutEnabled: true,
			DialerRetries:         1,
			PoolSize:              maxConns,
			DialTimeout:           patience,
			ReadTimeout:           patience,
			WriteTimeout:          patience,
			PoolTimeout:           patience,
		})
		tb.Cleanup(func() { client.Close() })
		return redisprovider.New(client, redisprovider.Prefix(space+":")), nil
	},
}
