package redis_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// A call that has no time for the handshake of a new connection leaves the connection
// to those that come after it. Otherwise none ever has one where the handshake takes
// longer than a call may.
func TestHandshakeOutlivesTheCall(t *testing.T) {
	for name, opts := range map[string][]redis.Option{
		"Client": nil, "WaitReplicas": {redis.WaitReplicas(1, time.Millisecond)},
	} {
		for _, c := range calls[:3] {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				server := testserver.Redis(t)
				client := newClient(t, goredis.Options{Addr: server.Addr, ContextTimeoutEnabled: true})
				p := redis.New(client, append(opts, redis.Prefix(prefix(t)))...)
				server.Freeze()
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := within(t, func() error { return c.do(ctx, p, record()) }); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
				}
				server.Thaw()
				want := 1
				if len(opts) > 0 {
					want = 2 // pipelines have a pool of their own
				}
				look := admin(t, server.Addr)
				eventually(t, "the connections are ready", func() bool {
					return len(readyConns.FindAllString(look.ClientList(t.Context()).Val(), -1)) == want
				})
			})
		}
	}
}

// readyConns matches a connection that has sent a command after the handshake.
var readyConns = regexp.MustCompile(`(?m) cmd=getex `)

// However many calls run out of time, one at a time is made up for in the background.
func TestOneConnectionAtATimeIsMadeReady(t *testing.T) {
	server := testserver.Redis(t)
	var w wire
	client := newClient(t, goredis.Options{Addr: server.Addr, Dialer: w.dial, ContextTimeoutEnabled: true, PoolSize: 100})
	p := redis.New(client, redis.Prefix(prefix(t)))
	server.Freeze()
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := p.Fetch(ctx, "id")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got error %v, want %v", err, context.DeadlineExceeded)
		}
	}
	server.Thaw()
	eventually(t, "nothing more is sent", func() bool {
		stats := commandStats(t, admin(t, server.Addr))
		return stats["getex"] > 0
	})
	if got := commandStats(t, admin(t, server.Addr))["getex"]; got != 1 {
		t.Errorf("%d calls in the background, want 1", got)
	}
	if _, err := p.Fetch(t.Context(), "id"); !errors.Is(err, provider.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, provider.ErrNotFound)
	}
}
