package redis_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// node starts a server for a cluster of the test's own.
func node(t *testing.T, args ...string) *testserver.Server {
	t.Helper()
	return testserver.Redis(t, append([]string{"--cluster-enabled", "yes", "--repl-ping-replica-period", "1"}, args...)...)
}

// clusterOfTwo starts a master with all slots and another without any.
func clusterOfTwo(t *testing.T, args ...string) (first, second *testserver.Server) {
	t.Helper()
	first, second = node(t, args...), node(t, args...)
	do(t, admin(t, first.Addr), "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	host, port, _ := net.SplitHostPort(first.Addr)
	do(t, admin(t, second.Addr), "CLUSTER", "MEET", host, port)
	for _, server := range []*testserver.Server{first, second} {
		knows(t, server, "cluster_known_nodes:2")
		knows(t, server, "cluster_state:ok")
	}
	return first, second
}

// replicatedCluster starts a master with all slots and a replica of it.
func replicatedCluster(t *testing.T) (master, replica *testserver.Server) {
	t.Helper()
	master, replica = clusterOfTwo(t)
	client := admin(t, replica.Addr)
	do(t, client, "CLUSTER", "REPLICATE", nodeID(t, master))
	eventually(t, "the cluster offers the replica to clients", func() bool {
		slots := do(t, admin(t, master.Addr), "CLUSTER", "SLOTS").([]any)
		return len(slots) == 1 && len(slots[0].([]any)) == 4 // first, last, two nodes
	})
	return master, replica
}

func knows(t *testing.T, server *testserver.Server, what string) {
	t.Helper()
	client := admin(t, server.Addr)
	eventually(t, server.Addr+" knows "+what, func() bool {
		return strings.Contains(client.ClusterInfo(t.Context()).Val(), what)
	})
}

func nodeID(t *testing.T, server *testserver.Server) string {
	t.Helper()
	return do(t, admin(t, server.Addr), "CLUSTER", "MYID").(string)
}

// Nothing is read from a replica, even if the client is told to.
func TestReplicasAreNotRead(t *testing.T) {
	master, replica := replicatedCluster(t)
	for name, options := range map[string]goredis.ClusterOptions{
		"ReadOnly":       {ReadOnly: true},
		"RouteByLatency": {RouteByLatency: true},
		"RouteRandomly":  {RouteRandomly: true},
	} {
		t.Run(name, func(t *testing.T) {
			options.Addrs = []string{master.Addr}
			p := redis.New(newClusterClientInOrder(t, options), redis.Prefix(prefix(t)))
			rec := stored(t, p)
			do(t, admin(t, replica.Addr), "CONFIG", "RESETSTAT")
			for range 50 {
				holds(t, p, rec)
				if err := p.Save(t.Context(), successor(rec), 7); !errors.Is(err, provider.ErrVersionConflict) {
					t.Fatalf("got error %v, want ErrVersionConflict", err)
				}
			}
			for command := range commandStats(t, admin(t, replica.Addr)) {
				if command == "getex" || command == "get" || strings.HasPrefix(command, "eval") {
					t.Errorf("the replica was sent %s", command)
				}
			}
		})
	}
}

// newClusterClientInOrder returns a client that connects to a node once it is set up.
// RouteByLatency starts to measure a node before it is, which is a data race of go-redis
// 9.23.
func newClusterClientInOrder(t *testing.T, o goredis.ClusterOptions) *goredis.ClusterClient {
	t.Helper()
	var nodes sync.Map // of a channel for each address, which is closed when the node is set up
	isSetUp := func(addr string) chan struct{} {
		c, _ := nodes.LoadOrStore(addr, make(chan struct{}))
		return c.(chan struct{})
	}
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		select {
		case <-isSetUp(addr):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	client := newClusterClient(t, o)
	client.OnNewNode(func(node *goredis.Client) {
		select {
		case <-isSetUp(node.Options().Addr): // it was a node before
		default:
			close(isSetUp(node.Options().Addr))
		}
	})
	return client
}

// A primary that has become a replica may be behind. Nothing that it has counts,
// also not for a conflict.
func TestDemotedPrimaryIsNotTrusted(t *testing.T) {
	server := testserver.Redis(t)
	p := open(t, server.URL)
	rec := stored(t, p)
	do(t, admin(t, server.Addr), "REPLICAOF", "127.0.0.1", "1")
	for _, c := range calls {
		fails(t, c.name, c.do(t.Context(), p, rec))
	}
	fails(t, "Save over none", p.Save(t.Context(), record(), 7))
	do(t, admin(t, server.Addr), "REPLICAOF", "NO", "ONE")
	holds(t, p, rec)
}

// go-redis learns of a failover from a node's redirection only, or once a minute.
// Here no node is left to redirect.
func TestClusterFailover(t *testing.T) {
	master, replica := replicatedCluster(t)
	client := newClusterClient(t, goredis.ClusterOptions{
		Addrs: []string{master.Addr}, ClusterStateReloadInterval: time.Hour, DialerRetries: 1,
	})
	pre := prefix(t)
	rec := stored(t, redis.New(client, redis.Prefix(pre), redis.WaitReplicas(1, time.Minute)))

	master.Kill()
	do(t, admin(t, replica.Addr), "CLUSTER", "FAILOVER", "TAKEOVER")
	p := redis.New(client, redis.Prefix(pre))
	eventually(t, "calls reach the new master", func() bool {
		_, err := p.Fetch(t.Context(), rec.ID)
		return err == nil
	})
	save(t, p, successor(rec), rec.Version)
}

// While a slot is being moved, a record is in the one node or the other.
func TestSlotMoves(t *testing.T) {
	from, to := clusterOfTwo(t)
	client := newClusterClient(t, goredis.ClusterOptions{Addrs: []string{from.Addr}})
	pre := "{" + prefix(t) + "}"
	p := redis.New(client, redis.Prefix(pre))
	waiting := redis.New(client, redis.Prefix(pre), redis.WaitReplicas(1, time.Millisecond))
	slot := do(t, admin(t, from.Addr), "CLUSTER", "KEYSLOT", pre)
	stays, moves := stored(t, p), stored(t, p)

	do(t, admin(t, to.Addr), "CLUSTER", "SETSLOT", slot, "IMPORTING", nodeID(t, from))
	do(t, admin(t, from.Addr), "CLUSTER", "SETSLOT", slot, "MIGRATING", nodeID(t, to))
	host, port, _ := net.SplitHostPort(to.Addr)
	do(t, admin(t, from.Addr), "MIGRATE", host, port, pre+moves.ID, 0, patience.Milliseconds())

	check := func(t *testing.T, movesSays string) {
		t.Helper()
		says := map[*provider.Record]string{stays: "the change was made", moves: movesSays}
		for _, rec := range []*provider.Record{stays, moves} {
			holds(t, p, rec)
			for _, p := range []provider.Provider{p, waiting} {
				if err := p.Save(t.Context(), successor(rec), 7); !errors.Is(err, provider.ErrVersionConflict) {
					t.Errorf("got error %v, want ErrVersionConflict", err)
				}
			}
			next := successor(rec)
			save(t, p, next, rec.Version)
			last := successor(next)
			err := waiting.Save(t.Context(), last, next.Version)
			fails(t, "Save that waits for replicas", err)
			tells(t, "Save that waits for replicas", err, says[rec], last)
			holds(t, p, last)
			*rec = *last
		}
		rec := stored(t, p)
		if err := p.Delete(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	}
	t.Run("half way", func(t *testing.T) { check(t, "is being moved") })

	do(t, admin(t, from.Addr), "MIGRATE", host, port, pre+stays.ID, 0, patience.Milliseconds())
	for _, server := range []*testserver.Server{to, from} {
		do(t, admin(t, server.Addr), "CLUSTER", "SETSLOT", slot, "NODE", nodeID(t, to))
	}
	t.Run("done", func(t *testing.T) { check(t, "the change was made") })
}
