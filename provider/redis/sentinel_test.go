package redis_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// sentinel starts a sentinel that watches over the primary as "main", without haste,
// and returns its address.
func sentinel(t *testing.T, primary, replica *testserver.Server) string {
	t.Helper()
	addr := testserver.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	host, primaryPort, _ := net.SplitHostPort(primary.Addr)
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf")
	err := os.WriteFile(conf, fmt.Appendf(nil, "bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor main %s %s 1\n"+
		"sentinel down-after-milliseconds main 60000\nsentinel failover-timeout main 2000\n", port, dir, host, primaryPort), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	// The shell kills the sentinel when its input ends, also if the test dies.
	cmd := exec.Command("sh", "-c", `redis-server "$0" --sentinel >/dev/null 2>&1 & read -r _; kill -KILL $!; wait`, conf)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	client := closing(t, goredis.NewSentinelClient(&goredis.Options{Addr: addr}))
	_, replicaPort, _ := net.SplitHostPort(replica.Addr)
	eventually(t, "the sentinel knows the replica", func() bool {
		replicas, err := client.Replicas(t.Context(), "main").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["port"] == replicaPort && !strings.Contains(replicas[0]["flags"], "down")
	})
	return addr
}
