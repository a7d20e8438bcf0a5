package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// readyTimeout bounds the operations that the client's own timeouts do not bound.
const readyTimeout = 10 * time.Second

// connector opens a connection when calls do not have enough time for it.
//
// go-redis goes on dialing when the call that needs the connection has timed out. But the
// handshake (HELLO, AUTH, CLIENT SETINFO) must end within the call's time, and a
// connection that is not ready by then is closed. If the handshake takes longer than the
// calls' timeout, no call succeeds until the server or the network is faster. After a
// fault all apps connect at once, and both are slow.
type connector struct{ busy atomic.Bool }

// connect makes a call in the background, with the client's own timeouts, after a call
// that has timed out. The pool then has a connection. The call is a read whose result is
// ignored. Only one runs at a time.
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

// connectTo does not use an idle connection: the next call would find an empty pool, and
// time out again. Pipelines, which WaitReplicas needs, have a separate pool.
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

// idleConns returns the number of idle connections in the pool of single commands and in
// that of pipelines.
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

// getex returns the command that reads a key. GETEX without an option is a GET that is
// never answered by a replica or by a cache in the client, whatever their settings.
func getex(ctx context.Context, key string) *goredis.StringCmd {
	cmd := goredis.NewStringCmd(ctx, "getex", key)
	cmd.SetFirstKeyPos(1)
	return cmd
}

// failed is failure for a call with one key.
func (p *Provider) failed(ctx context.Context, key string, err error) error {
	err = p.failure(ctx, err)
	if errors.Is(err, context.DeadlineExceeded) {
		p.connect(key)
	}
	return err
}
