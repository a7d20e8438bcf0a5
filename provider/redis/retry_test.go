package redis_test

import (
	"context"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// eager clients try everything again, several times.
var eager = map[string]func(t *testing.T, w *wire) redis.Client{
	"Client": func(t *testing.T, w *wire) redis.Client {
		return newClient(t, goredis.Options{
			Addr: testserver.SharedRedis(t), Dialer: w.dial, MaxRetries: 5,
		})
	},
	"ClusterClient": func(t *testing.T, w *wire) redis.Client {
		return newClusterClient(t, goredis.ClusterOptions{
			Addrs: testserver.RedisCluster(t), Dialer: w.dial, MaxRetries: 5, MaxRedirects: 5,
		})
	},
	"Ring": func(t *testing.T, w *wire) redis.Client {
		return newRing(t, goredis.RingOptions{
			Addrs:  map[string]string{"one": testserver.SharedRedis(t)},
			Dialer: w.dial, MaxRetries: 5, HeartbeatFrequency: time.Hour,
		})
	},
}

// A Save or Delete whose answer is lost is an error, and is not made again. The
// second attempt might be refused for another's save although the first had landed.
func TestChangeIsSentOnce(t *testing.T) {
	for name, client := range eager {
		for option, opts := range map[string][]redis.Option{
			"":                  nil,
			" and WaitReplicas": {redis.WaitReplicas(1, time.Millisecond)},
		} {
			t.Run(name+option, func(t *testing.T) {
				var w wire
				p := redis.New(client(t, &w), append(opts, redis.Prefix("{"+prefix(t)+"}"))...)
				rec := record()
				_ = p.Save(t.Context(), rec, 0) // too few replicas, perhaps
				holds(t, p, rec)

				next := successor(rec)
				w.cut.Store(true)
				before := w.scripts.Load()
				fails(t, "Save", p.Save(t.Context(), next, rec.Version))
				if got := w.scripts.Load() - before; got != 1 {
					t.Errorf("Save was sent %d times", got)
				}
				eventually(t, "Save has landed", func() bool {
					got, err := p.Fetch(t.Context(), rec.ID)
					return err == nil && got.Version == next.Version
				})

				w.cut.Store(true)
				before = w.scripts.Load()
				fails(t, "Delete", p.Delete(t.Context(), rec.ID))
				if got := w.scripts.Load() - before; got != 1 {
					t.Errorf("Delete was sent %d times", got)
				}
			})
		}
	}
}

func TestFetchMayBeSentAgain(t *testing.T) {
	for name, client := range eager {
		t.Run(name, func(t *testing.T) {
			var w wire
			p := redis.New(client(t, &w), redis.Prefix(prefix(t)))
			rec := stored(t, p)
			w.cut.Store(true)
			holds(t, p, rec)
		})
	}
}

// After an outage a provider works again by itself.
func TestRecovery(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	p := open(t, server.URL)
	rec := stored(t, p)
	server.Kill()
	for _, c := range calls {
		fails(t, c.name, c.do(t.Context(), p, rec))
	}
	server.Restart()
	eventually(t, "the server answers", func() bool {
		_, err := p.Fetch(t.Context(), rec.ID)
		return err == nil
	})
	holds(t, p, rec)
	save(t, p, successor(rec), rec.Version)

	server.Freeze()
	for _, c := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		fails(t, c.name, c.do(ctx, p, rec))
		cancel()
	}
	server.Thaw()
	save(t, p, record(), 0)
}
