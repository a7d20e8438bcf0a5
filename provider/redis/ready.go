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
		_ = p.client.Process(ctx, getex(ctx, key))
		if p.replicas.count > 0 {
			p.connectForReplicas(ctx, key)
		}
	}()
}

// connectForReplicas does the same for the pool that pipelines have to themselves.
func (p *Provider) connectForReplicas(ctx context.Context, key string) {
	node, err := nodeOf(ctx, p.client, key)
	if err != nil {
		return
	}
	_, _ = node.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		return pipe.Process(ctx, getex(ctx, key))
	})
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
