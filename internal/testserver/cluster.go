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

var sharedCluster = once(func() ([]*Server, error) {
	// If the port of the cluster bus, 10000 above, is in use, the server ends and start
	// tries other ports.
	servers, err := startRedis(3, "--cluster-enabled", "yes")
	if err != nil {
		return nil, err
	}
	if err := joinCluster(servers); err != nil {
		stop(servers)
		return nil, fmt.Errorf("testserver: redis cluster: %w", err)
	}
	return servers, nil
})

func joinCluster(servers []*Server) error {
	slots := []string{"0 5460", "5461 10922", "10923 16383"}
	for i, s := range servers {
		host, port, _ := net.SplitHostPort(servers[0].Addr)
		for _, command := range []string{
			fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1),
			"CLUSTER ADDSLOTSRANGE " + slots[i],
			fmt.Sprintf("CLUSTER MEET %s %s", host, port),
		} {
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
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_size:3") {
				return errors.New("the cluster is not complete:\n" + info)
			}
		}
		return nil
	})
}
