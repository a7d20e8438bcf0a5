package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/provider/redis"
)

func TestContract(t *testing.T) {
	for name, client := range map[string]func(*testing.T) redis.Client{
		"Client": func(t *testing.T) redis.Client {
			return newClient(t, goredis.Options{Addr: testserver.SharedRedis(t)})
		},
		"Client with RESP2": func(t *testing.T) redis.Client {
			return newClient(t, goredis.Options{Addr: testserver.SharedRedis(t), Protocol: 2})
		},
		"ClusterClient": func(t *testing.T) redis.Client {
			return newClusterClient(t, goredis.ClusterOptions{Addrs: testserver.RedisCluster(t)})
		},
		"Ring": func(t *testing.T) redis.Client {
			return newRing(t, goredis.RingOptions{Addrs: map[string]string{
				"one": testserver.SharedRedis(t),
				"two": testserver.Redis(t).Addr,
			}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := redis.New(client(t), redis.Prefix(prefix(t)))
			providertest.Run(t, func(*testing.T) provider.Provider { return p })
		})
	}
	t.Run("Open", func(t *testing.T) {
		p := open(t, "redis://"+testserver.SharedRedis(t))
		providertest.Run(t, func(*testing.T) provider.Provider { return p })
	})
	t.Run("WaitReplicas", func(t *testing.T) {
		primary, _ := testserver.RedisReplica(t)
		p := open(t, primary.URL, redis.WaitReplicas(1, time.Minute))
		providertest.Run(t, func(*testing.T) provider.Provider { return p })
	})
}
