package redis_test

import (
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// However the connection is lost, Listen ends, although go-redis could connect again.
func TestListenEndsWithItsConnection(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, server *testserver.Server, l *storetest.Listener){
		"the server closes it": func(t *testing.T, server *testserver.Server, l *storetest.Listener) {
			do(t, admin(t, server.Addr), "CLIENT", "KILL", "TYPE", "pubsub")
			l.End()
			if n := commandStats(t, admin(t, server.Addr))["subscribe"]; n != 1 {
				t.Errorf("%d subscriptions, want 1: the connection was replaced silently", n)
			}
		},
		"the server is killed":   func(_ *testing.T, server *testserver.Server, _ *storetest.Listener) { server.Kill() },
		"the server is replaced": func(_ *testing.T, server *testserver.Server, _ *storetest.Listener) { server.Restart() },
		"the server is frozen":   func(_ *testing.T, server *testserver.Server, _ *storetest.Listener) { server.Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, ping := testserver.Redis(t), redis.Ping(50*time.Millisecond, patience)
			if name == "the server is frozen" {
				ping = redis.Ping(50*time.Millisecond, 200*time.Millisecond)
			}
			l := storetest.StartListen(t, open(t, server.URL, ping))
			l.AwaitBegin()
			lose(t, server, l)
			fails(t, "Listen", l.End())
		})
	}
}

// Pings keep a connection on which no message arrives.
func TestListenStays(t *testing.T) {
	server := testserver.Redis(t)
	p := open(t, server.URL, redis.Ping(50*time.Millisecond, patience))
	l := storetest.Listen(t, p)
	eventually(t, "five pings", func() bool { return commandStats(t, admin(t, server.Addr))["ping"] >= 5 })
	storetest.Broadcast(t, p, "message")
	l.Want("message")
}

// Sentinel promotes a replica. The next Listen finds it.
func TestListenFindsTheNewPrimary(t *testing.T) {
	primary, replica := testserver.RedisReplica(t)
	addr := sentinel(t, primary, replica)
	p := redis.New(closing(t, goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName:    "main",
		SentinelAddrs: []string{addr},
		DialerRetries: 1,
		DialTimeout:   patience,
		ReadTimeout:   patience,
	})), redis.Prefix(prefix(t)))
	l := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "before")
	l.Want("before")

	do(t, admin(t, addr), "SENTINEL", "SET", "main", "down-after-milliseconds", "200")
	primary.Kill()
	fails(t, "Listen", l.End())
	eventually(t, "the replica has taken over", func() bool { return p.Save(t.Context(), record(), 0) == nil })

	l = storetest.Listen(t, p)
	storetest.Broadcast(t, p, "after")
	l.Want("after")
	if n := subscribers(t, replica, p); n != 1 {
		t.Errorf("%d connections listen to the new primary, want 1", n)
	}
}

// A slot that moves to another master takes the channel with it, while the connection to
// the old one stays.
func TestListenEndsWhenTheChannelMoves(t *testing.T) {
	from, to := clusterOfTwo(t)
	p := redis.New(newClusterClient(t, goredis.ClusterOptions{Addrs: []string{from.Addr}}), redis.Prefix(prefix(t)))
	l := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "before")
	l.Want("before")

	slot := do(t, admin(t, from.Addr), "CLUSTER", "KEYSLOT", p.Channel())
	do(t, admin(t, to.Addr), "CLUSTER", "SETSLOT", slot, "IMPORTING", nodeID(t, from))
	do(t, admin(t, from.Addr), "CLUSTER", "SETSLOT", slot, "MIGRATING", nodeID(t, to))
	for _, server := range []*testserver.Server{to, from} {
		do(t, admin(t, server.Addr), "CLUSTER", "SETSLOT", slot, "NODE", nodeID(t, to))
	}
	fails(t, "Listen", l.End())

	eventually(t, "Listen finds the channel", func() bool { return subscribesAt(t, p, to) })
}

// subscribesAt begins a Listen, and reports whether it is at the server.
func subscribesAt(t *testing.T, p *redis.Provider, server *testserver.Server) bool {
	t.Helper()
	l := storetest.StartListen(t, p)
	defer l.Cancel()
	if l.AwaitBegin(); !l.Begun() {
		return false
	}
	storetest.Broadcast(t, p, "after")
	l.Want("after")
	sharded := admin(t, server.Addr).PubSubShardNumSub(t.Context(), p.Channel()).Val()
	return sharded[p.Channel()] == 1
}

// While a server of a ring is down, another one has its channels. When it is back, nobody
// broadcasts on the other one.
func TestListenEndsWhenARingChanges(t *testing.T) {
	one, two := testserver.Redis(t), testserver.Redis(t)
	p := redis.New(newRing(t, goredis.RingOptions{
		Addrs:              map[string]string{"one": one.Addr, "two": two.Addr},
		HeartbeatFrequency: 10 * time.Millisecond,
		DialTimeout:        time.Second,
	}), redis.Prefix(prefix(t)), redis.Ping(50*time.Millisecond, patience))
	first := storetest.Listen(t, p)
	home := one
	if subscribers(t, two, p) == 1 {
		home = two
	}
	home.Kill()
	fails(t, "Listen", first.End())

	var away *storetest.Listener
	eventually(t, "the other server has the channel", func() bool {
		away = storetest.StartListen(t, p)
		away.AwaitBegin()
		return !away.Ended()
	})
	home.Restart()
	fails(t, "Listen", away.End())
}

// A server may accept a connection and say nothing.
func TestListenEndsWhileItConnects(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := open(t, "redis://"+listener.Addr().String()) // accepts and says nothing
	l := storetest.StartListen(t, p)
	if conn, err := listener.Accept(); err == nil {
		defer conn.Close()
	}
	fails(t, "Listen", l.Cancel())
}
