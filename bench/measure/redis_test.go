package measure_test

import (
	"context"
	"encoding/binary"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/boj/redistore"
	ginredis "github.com/gin-contrib/sessions/redis"
	fiberredis "github.com/gofiber/storage/redis/v3"
	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

const connections = 10

func redisApps(tb testing.TB) []app {
	addr := testserver.SharedRedis(tb)
	client := goredis.NewClient(&goredis.Options{Addr: addr})
	tb.Cleanup(func() { client.Close() })
	return []app{
		floor(tb, newRawRedis(tb, addr)),
		holdfast(tb, openRedis(tb, addr)),
		scsApp("scs", goredisstore.New(client)),
		gorillaRedis(tb, addr),
		ginRedis(tb, addr),
		fiberRedis(tb, addr),
	}
}

func openRedis(tb testing.TB, addr string) *redisprovider.Provider {
	p, err := redisprovider.Open("redis://" + addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

func gorillaRedis(tb testing.TB, addr string) app {
	store, err := redistore.NewRediStore(connections, "tcp", addr, "", "", signingKey)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	store.SetMaxLength(1 << 20)
	return gorilla("gorilla-redistore", store)
}

func ginRedis(tb testing.TB, addr string) app {
	store, err := ginredis.NewStore(connections, "tcp", addr, "", "", signingKey)
	if err != nil {
		tb.Fatal(err)
	}
	inner, err := ginredis.GetRedisStore(store)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { inner.Close() })
	inner.SetMaxLength(1 << 20)
	return ginApp("gin", store)
}

func fiberRedis(tb testing.TB, addr string) app {
	storage := fiberredis.New(fiberredis.Config{URL: "redis://" + addr})
	tb.Cleanup(func() { storage.Close() })
	return fiberApp("fiber", storage)
}

// rawRedis gets and swaps one key as package redis does.
type rawRedis struct {
	client *goredis.Client
	script string // its SHA-1
	key    string
	value  []byte
}

func newRawRedis(tb testing.TB, addr string) *rawRedis {
	script, err := os.ReadFile("../../provider/redis/save.lua")
	if err != nil {
		tb.Fatal(err)
	}
	client := goredis.NewClient(&goredis.Options{Addr: addr, ContextTimeoutEnabled: true})
	tb.Cleanup(func() { client.Close() })
	sha, err := client.ScriptLoad(context.Background(), string(script)).Result()
	if err != nil {
		tb.Fatal(err)
	}
	return &rawRedis{client: client, script: sha, key: "raw"}
}

const (
	redisMagic = len("\xf5HF\x01") // of package redis
	redisHead  = redisMagic + 8    // with the version
)

func (r *rawRedis) begin(ctx context.Context, rec *provider.Record) error {
	p := redisprovider.New(r.client, redisprovider.Prefix("raw:"))
	rec.ExpiresAt = time.Now().Add(idleTimeout)
	if err := p.Save(ctx, rec, -1); err != nil {
		return err
	}
	r.key = "raw:" + rec.ID
	var err error
	r.value, err = r.client.Get(ctx, r.key).Bytes()
	return err
}

func (r *rawRedis) get(ctx context.Context) error {
	_, err := r.client.Get(ctx, r.key).Bytes()
	return err
}

func (r *rawRedis) swap(ctx context.Context) error {
	expect, version := string(r.value[:redisHead]), r.value[redisMagic:redisHead]
	binary.BigEndian.PutUint64(version, binary.BigEndian.Uint64(version)+1)
	expires := strconv.FormatInt(time.Now().Add(idleTimeout).UnixMilli(), 10)
	return r.client.EvalSha(ctx, r.script, []string{r.key}, r.value, expect, expires).Err()
}
