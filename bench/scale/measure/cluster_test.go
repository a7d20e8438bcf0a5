package measure_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

const masters = 3

func startCluster(t *testing.T) *store {
	args := append([]string{"--cluster-node-timeout", strconv.FormatInt(nodeTimeout.Milliseconds(), 10)}, appendOnly...)
	servers, small := testserver.RedisClusterWithReplicas(t, args...), testserver.RedisClusterWithReplicas(t, args...)
	client := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addrs(servers)})
	t.Cleanup(func() { client.Close() })
	var nodes []*goredis.Client
	for _, s := range servers {
		node := goredis.NewClient(&goredis.Options{Addr: s.Addr})
		t.Cleanup(func() { node.Close() })
		nodes = append(nodes, node)
	}
	return &store{
		large: clusterURL(servers),
		small: clusterURL(small),
		bulk:  newClusterBulk,
		kills: []kill{
			{labels: "/coverage=full", victim: servers[0], heir: servers[masters]},
			{labels: "/coverage=part", set: func(ctx context.Context) error {
				return configSet(ctx, nodes[1:], "cluster-require-full-coverage", "no")
			}, victim: servers[1], heir: servers[masters+1]},
		},
		sizes: func(ctx context.Context) (map[string]int64, error) { return clusterSizes(ctx, nodes) },
		expire: func(ctx context.Context, ids []string) (time.Time, func() (int64, error), error) {
			return expireAll(ctx, client, nodes[:masters], ids)
		},
		hasten: func(ctx context.Context) error { return configSet(ctx, nodes[:masters], "active-expire-effort", "10") },
		backup: ownBackup{"BGSAVE", func(ctx context.Context, _ string) (int64, error) { return saveAll(ctx, nodes[:masters]) }},
	}
}

// clusterSizes returns the sizes of the masters, and the memory of the replicas.
func clusterSizes(ctx context.Context, nodes []*goredis.Client) (map[string]int64, error) {
	sizes, err := redisSizes(ctx, nodes[:masters])
	if err != nil {
		return nil, err
	}
	replicas, err := redisSizes(ctx, nodes[masters:])
	if err != nil {
		return nil, err
	}
	sizes["replicas-memory"] = replicas["memory"]
	return sizes, nil
}

func addrs(servers []*testserver.Server) (all []string) {
	for _, s := range servers {
		all = append(all, s.Addr)
	}
	return all
}

func clusterURL(servers []*testserver.Server) string {
	all := addrs(servers)
	return "redis-cluster://" + all[0] + "?addr=" + strings.Join(all[1:], "&addr=")
}

func newClusterBulk(_ context.Context, url string) (bulkWriter, error) {
	o, err := goredis.ParseClusterURL(strings.Replace(url, "redis-cluster:", "redis:", 1))
	if err != nil {
		return nil, err
	}
	return &redisBulk{goredis.NewClusterClient(o), func() error { return nil }}, nil
}

// awaitMaster returns when the server is a master.
func awaitMaster(t *testing.T, addr string) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: addr})
	defer client.Close()
	for deadline := time.Now().Add(recoveryLimit); ; time.Sleep(10 * time.Millisecond) {
		info, err := redisInfo(t.Context(), client)
		if err == nil && info["role"] == "master" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no replica has taken over after %v: %v", recoveryLimit, err)
		}
	}
}
