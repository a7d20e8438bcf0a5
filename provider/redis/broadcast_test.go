package redis_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/provider/redis"
)

func TestBroadcasterContract(t *testing.T) {
	shared := func(protocol int) func(*testing.T) redis.Client {
		return func(t *testing.T) redis.Client {
			return newClient(t, goredis.Options{Addr: testserver.SharedRedis(t), Protocol: protocol})
		}
	}
	two := testserver.Redis(t).Addr
	for name, client := range map[string]func(*testing.T) redis.Client{
		"Client":            shared(3),
		"Client with RESP2": shared(2),
		"ClusterClient": func(t *testing.T) redis.Client {
			return newClusterClient(t, goredis.ClusterOptions{Addrs: testserver.RedisCluster(t)})
		},
		"Ring": func(t *testing.T) redis.Client {
			return newRing(t, goredis.RingOptions{Addrs: map[string]string{"one": testserver.SharedRedis(t), "two": two}})
		},
	} {
		t.Run(name, func(t *testing.T) { broadcasterContract(t, client) })
	}
}

func broadcasterContract(t *testing.T, client func(*testing.T) redis.Client) {
	t.Helper()
	same, other := prefix(t), prefix(t)
	first := redis.New(client(t), redis.Prefix(same))
	second := redis.New(client(t), redis.Prefix(same))
	third := redis.New(client(t), redis.Prefix(other))
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

// A cluster before 7.0 has no sharded channels.
func TestBroadcastInAnOldCluster(t *testing.T) {
	server := node(t, "--rename-command", "SPUBLISH", "", "--rename-command", "SSUBSCRIBE", "")
	do(t, admin(t, server.Addr), "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	knows(t, server, "cluster_state:ok")
	broadcasterContract(t, func(t *testing.T) redis.Client {
		return newClusterClient(t, goredis.ClusterOptions{Addrs: []string{server.Addr}})
	})
}

// In a cluster, only the shard of the channel is troubled with a message.
func TestBroadcastIsSharded(t *testing.T) {
	first, second := clusterOfTwo(t)
	p := redis.New(newClusterClient(t, goredis.ClusterOptions{Addrs: []string{first.Addr}}), redis.Prefix(prefix(t)))
	listener := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "message")
	listener.Want("message")
	if stats := commandStats(t, admin(t, first.Addr)); stats["spublish"] != 1 || stats["publish"] != 0 {
		t.Errorf("the master was sent %v", stats)
	}
	if stats := commandStats(t, admin(t, second.Addr)); stats["spublish"]+stats["publish"]+stats["ssubscribe"]+stats["subscribe"] != 0 {
		t.Errorf("the other master was sent %v", stats)
	}
}

// Redis delivers a message in all databases.
func TestBroadcastStaysInItsDatabase(t *testing.T) {
	server, same := testserver.SharedRedis(t), prefix(t)
	var p [2]*redis.Provider
	for db := range p {
		p[db] = redis.New(newClient(t, goredis.Options{Addr: server, DB: db}), redis.Prefix(same))
	}
	there := storetest.Listen(t, p[1])
	storetest.Broadcast(t, p[0], "of database 0")
	storetest.Broadcast(t, p[1], "of database 1")
	there.Want("of database 1")
	if there.Heard("of database 0") > 0 {
		t.Error("a message reaches another database")
	}
}

// Each Listen has a connection beside the pool, and leaves none.
func TestListenUsesNoConnectionOfThePool(t *testing.T) {
	server := testserver.Redis(t)
	client := newClient(t, goredis.Options{Addr: server.Addr, PoolSize: 1})
	p := redis.New(client, redis.Prefix(prefix(t)))
	var listeners []*storetest.Listener
	for range 3 {
		listeners = append(listeners, storetest.Listen(t, p))
	}
	storetest.Broadcast(t, p, "message")
	for _, l := range listeners {
		l.Want("message")
	}
	if n := subscribers(t, server, p); n != 3 {
		t.Errorf("%d connections listen, want 3", n)
	}
	for _, l := range listeners {
		_ = l.Cancel()
	}
	eventually(t, "no connection listens", func() bool { return subscribers(t, server, p) == 0 })
}

// subscribers returns how many connections listen.
func subscribers(t *testing.T, server *testserver.Server, p *redis.Provider) int64 {
	t.Helper()
	return admin(t, server.Addr).PubSubNumSub(t.Context(), p.Channel()).Val()[p.Channel()]
}

func TestBroadcastTakesOneTrip(t *testing.T) {
	server := testserver.Redis(t)
	p := open(t, server.URL)
	storetest.Broadcast(t, p, "the first one connects")
	do(t, admin(t, server.Addr), "CONFIG", "RESETSTAT")
	for range 10 {
		storetest.Broadcast(t, p, "message")
	}
	stats := commandStats(t, admin(t, server.Addr))
	for _, own := range []string{"hello", "client|setinfo", "command", "ping", "config|resetstat", "client|maint_notifications"} {
		delete(stats, own) // of the admin's connections
	}
	if fmt.Sprint(stats) != "map[publish:10]" {
		t.Errorf("the server was sent %v", stats)
	}
}

// A message that may have arrived is not sent again.
func TestBroadcastIsNotRepeated(t *testing.T) {
	var sent atomic.Int64
	p := open(t, "redis://"+fake(t, func(request []byte) []byte {
		if bytes.Contains(request, []byte("publish")) {
			sent.Add(1)
			return nil
		}
		return bytes.Repeat([]byte("-ERR unknown command\r\n"), bytes.Count(request, []byte("*")))
	})+"?read_timeout=200ms&max_retries=3")
	fails(t, "Broadcast", p.Broadcast(t.Context(), []byte("message")))
	if n := sent.Load(); n != 1 {
		t.Errorf("the message was sent %d times", n)
	}
}

// A user with the rights in the documentation can do everything.
func TestRightsForBroadcasts(t *testing.T) {
	server := testserver.Redis(t)
	root := admin(t, server.Addr)
	do(t, root, "ACL", "SETUSER", "app", "on", ">password", "~holdfast:*", "resetchannels", "+getex", "+evalsha", "+eval", "+getrange", "+exists", "+set", "+del")
	with := newClient(t, goredis.Options{Addr: server.Addr, Username: "app", Password: "password"})
	p := redis.New(with)
	for name, err := range map[string]error{
		"Broadcast": p.Broadcast(t.Context(), []byte("message")),
		"Listen":    storetest.StartListen(t, p).End(),
	} {
		if err == nil || !strings.Contains(err.Error(), "NOPERM") || !strings.Contains(err.Error(), "ACL") {
			t.Errorf("%s: got error %v, want one that says what to do", name, err)
		}
	}
	do(t, root, "ACL", "SETUSER", "app", "+publish", "+subscribe", "+ping", "&holdfast:*")
	l := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "message")
	l.Want("message")
}

// What has no options cannot be connected to once more.
func TestListenOfAnUnknownClient(t *testing.T) {
	p := redis.New(struct{ redis.Client }{newClient(t, goredis.Options{Addr: testserver.SharedRedis(t)})})
	if err := storetest.StartListen(t, p).End(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got error %v, want ErrUnsupported", err)
	}
}

func TestListenWithoutAServer(t *testing.T) {
	p := redis.New(newClient(t, goredis.Options{Addr: testserver.FreeAddr(t), DialTimeout: time.Second}))
	fails(t, "Listen", storetest.StartListen(t, p).End())
}
