package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// RedisCluster returns the addresses of a shared cluster of three masters.
func RedisCluster(tb testing.TB) []string {
	tb.Helper()
	if addrs := os.Getenv("HOLDFAST_TEST_REDIS_CLUSTER_ADDRS"); addrs != "" {
		return strings.Split(addrs, ",")
	}
	servers, err := sharedCluster()
	require(tb, err)
	addrs := make([]string, len(servers))
	for i, s := range servers {
		addrs[i] = s.Addr
	}
	return addrs
}

// RedisClusterWithReplicas starts a cluster of three masters and three replicas, all with
// args. The masters come first, and their replicas follow in the same order. Each replica is
// in sync.
func RedisClusterWithReplicas(tb testing.TB, args ...string) []*Server {
	tb.Helper()
	servers, err := startCluster(2*clusterMasters, args...)
	return own(tb, servers, err)
}

const clusterMasters = 3

var sharedCluster = once(func() ([]*Server, error) { return startCluster(clusterMasters) })

// startCluster starts servers, of which the first three are masters.
func startCluster(n int, args ...string) ([]*Server, error) {
	// If the port of the cluster bus, 10000 above, is in use, the server ends and start
	// tries other ports.
	servers, err := startRedis(n, append([]string{"--cluster-enabled", "yes"}, args...)...)
	if err != nil {
		return nil, err
	}
	err = joinCluster(servers)
	for i := clusterMasters; i < n && err == nil; i++ {
		err = replicate(servers[i], servers[i-clusterMasters])
	}
	if err != nil {
		stop(servers)
		return nil, fmt.Errorf("testserver: redis cluster: %w", err)
	}
	return servers, nil
}

func joinCluster(servers []*Server) error {
	slots := []string{"0 5460", "5461 10922", "10923 16383"}
	for i, s := range servers {
		host, port, _ := net.SplitHostPort(servers[0].Addr)
		commands := []string{
			fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1),
			fmt.Sprintf("CLUSTER MEET %s %s", host, port),
		}
		if i < clusterMasters {
			commands = append(commands, "CLUSTER ADDSLOTSRANGE "+slots[i])
		}
		for _, command := range commands {
			if _, err := redisCommand(s.Addr, command); err != nil {
				return fmt.Errorf("%s: %w", command, err)
			}
		}
	}
	return poll(func() error {
		for _, s := range servers {
			info, err := redisCommand(s.Addr, "CLUSTER INFO")
			if err != nil {
				return err
			}
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_size:3") ||
				!strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", len(servers))) {
				return errors.New("the cluster is not complete:\n" + info)
			}
		}
		return nil
	})
}

// replicate makes a server of a cluster the replica of another one.
func replicate(replica, master *Server) error {
	id, err := redisCommand(master.Addr, "CLUSTER MYID")
	if err != nil {
		return err
	}
	if _, err := redisCommand(replica.Addr, "CLUSTER REPLICATE "+id); err != nil {
		return err
	}
	return poll(func() error { return inSync(replica) })
}
