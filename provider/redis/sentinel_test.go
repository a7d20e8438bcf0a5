package redis_test

import (
	"net"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/provider/redis"
)

func TestSentinel(t *testing.T) {
	primary, replica := testserver.RedisReplica(t)
	addr := sentinel(t, primary, replica)
	client := closing(t, goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName:    "main",
		SentinelAddrs: []string{addr},
		DialerRetries: 1,
		DialTimeout:   patience,
		ReadTimeout:   patience,
	}))
	p := redis.New(client, redis.Prefix(prefix(t)), redis.WaitReplicas(1, time.Minute))
	providertest.Run(t, func(*testing.T) provider.Provider { return p })

	do(t, admin(t, addr), "SENTINEL", "SET", "main", "down-after-milliseconds", "200")
	primary.Kill()
	p = redis.New(client, redis.Prefix(prefix(t)))
	eventually(t, "the replica has taken over", func() bool { return p.Save(t.Context(), record(), 0) == nil })
}

// sentinel starts one that watches over the primary as "main" and knows the
// replica, and returns its address.
func sentinel(t *testing.T, primary, replica *testserver.Server) string {
	t.Helper()
	addr := testserver.Sentinel(t, primary).Addr
	client := closing(t, goredis.NewSentinelClient(&goredis.Options{Addr: addr}))
	_, replicaPort, _ := net.SplitHostPort(replica.Addr)
	eventually(t, "the sentinel knows the replica", func() bool {
		replicas, err := client.Replicas(t.Context(), "main").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["port"] == replicaPort && !strings.Contains(replicas[0]["flags"], "down")
	})
	return addr
}
