package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// readyTimeout bounds what the client's own timeouts do not.
const readyTimeout = 10 * time.Second

// connector makes a connection ready where calls have no time for it.
//
// go-redis goes on dialing when the call that needs the connection has run out of time,
// but the handshake (HELLO, AUTH, CLIENT SETINFO) has the call's time alone, and a
// connection that is not ready by then is closed. If the handshake takes longer than
// every call has, no call succeeds until the server or the network is faster. After a
// fault all apps connect at once, and nothing is.
type connector struct{ busy atomic.Bool }

// connect makes a call in the background, by the client's own timeouts, after one that
// has run out of time. The pool then has its connection. The call is a read, which
// nobody waits for, and there is one at a time.
func (p *Provider) connect(key string) {
	if !p.connector.busy.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer p.connector.busy.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		if node, err := nodeOf(ctx, p.client, key); err == nil {
			p.connectTo(ctx, node, key)
		}
	}()
}

// connectTo takes no connection that waits to be used: the next call would meet an empty
// pool, and run out of time again. Pipelines, which WaitReplicas needs, have a pool of
// their own.
func (p *Provider) connectTo(ctx context.Context, node Client, key string) {
	idle, piped := idleConns(node)
	if idle == 0 {
		_ = node.Process(ctx, getex(ctx, key))
	}
	if p.replicas.count > 0 && piped == 0 {
		_, _ = node.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			return pipe.Process(ctx, getex(ctx, key))
		})
	}
}

// idleConns returns how many connections wait to be used, in the pool of single commands
// and in that of pipelines.
func idleConns(node Client) (single, piped uint32) {
	pools, ok := node.(interface{ PoolStats() *goredis.PoolStats })
	if !ok {
		return 0, 0
	}
	stats := pools.PoolStats()
	if stats.PipelineStats != nil {
		piped = stats.PipelineStats.IdleConns
	}
	return stats.IdleConns, piped
}

// getex returns the command that reads a key. GETEX without an option is a GET that no
// replica answers, nor a cache in the client, however it is set up.
func getex(ctx context.Context, key string) *goredis.StringCmd {
	cmd := goredis.NewStringCmd(ctx, "getex", key)
	cmd.SetFirstKeyPos(1)
	return cmd
}

// failed is failure for a call of one key.
func (p *Provider) failed(ctx context.Context, key string, err error) error {
	err = p.failure(ctx, err)
	if errors.Is(err, context.DeadlineExceeded) {
		p.connect(key)
	}
	return err
}
