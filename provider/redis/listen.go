package redis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider/internal/listening"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

// A connection that listens is sent a ping every pingEvery. If nothing arrives within
// pingTimeout after it, the connection counts as lost.
const (
	pingEvery   = 5 * time.Second
	pingTimeout = 5 * time.Second
)

var (
	errNoNode       = fmt.Errorf("redis: Listen needs a Client, ClusterClient or Ring of go-redis, or a wrapper that embeds one: %w", errors.ErrUnsupported)
	errSilent       = errors.New("the server does not answer; the connection is given up")
	errMovedAway    = errors.New("the channel has moved to another server")
	errUnsubscribed = errors.New("the server has ended the subscription")
)

// Listen implements provider.Broadcaster. It uses a connection of its own, outside of the
// client's pool, with the client's options. It finds a server that has vanished within 10
// seconds. It ends if 1,024 messages wait for heard and another one arrives.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "redis", ready, heard, p.receive)
}

// receive is a listening.Receiver.
func (p *Provider) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	sharded := p.sharded()
	err := p.subscribe(ctx, sharded, begin, deliver)
	if sharded && unknownCommand(err) {
		p.unsharded.Store(true)
		err = p.subscribe(ctx, false, begin, deliver)
	}
	if redirected(err) {
		p.reload(ctx)
		err = errMovedAway
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return p.failure(ctx, err)
}

// reload makes the client of a cluster update its map of the slots.
func (p *Provider) reload(ctx context.Context) {
	if cluster, ok := p.client.(interface{ ReloadState(context.Context) }); ok {
		cluster.ReloadState(ctx)
	}
}

// subscribe listens until the connection is lost, and never returns nil.
func (p *Provider) subscribe(ctx context.Context, sharded bool, begin func(), deliver func([]byte)) error {
	options, err := p.channelServer(ctx)
	if err != nil {
		return err
	}
	sub := newSubscription(options)
	defer sub.end()
	defer context.AfterFunc(ctx, sub.close)()
	if err := sub.begin(ctx, sharded, p.channel()); err != nil {
		return err
	}
	pinging, stop := context.WithCancel(ctx)
	pinged := make(chan error, 1)
	go func() {
		pinged <- p.ping(pinging, sub, options.Addr)
		sub.close()
	}()
	err = sub.receive(ctx, begin, deliver)
	stop()
	if lost := <-pinged; lost != nil && ctx.Err() == nil && !errors.Is(lost, context.Canceled) {
		return lost
	}
	return err
}

// channelServer returns the options of the server that has the channel.
func (p *Provider) channelServer(ctx context.Context) (*goredis.Options, error) {
	var node atomic.Pointer[goredis.Options]
	err := p.await(ctx, func() error {
		client, err := nodeOf(ctx, p.client, p.channel())
		if err != nil {
			return err
		}
		c, ok := client.(interface{ Options() *goredis.Options })
		if !ok {
			return errNoNode
		}
		node.Store(c.Options())
		return nil
	})
	return node.Load(), err
}

// ping sends pings until ctx ends, and returns an error if one is not answered, or if
// another server has the channel now.
func (p *Provider) ping(ctx context.Context, sub *subscription, addr string) error {
	for sleep.For(ctx, p.pingEvery) == nil {
		if now, err := p.channelServer(ctx); err == nil && now.Addr != addr {
			return errMovedAway
		}
		select {
		case <-sub.signs: // of the time before the ping
		default:
		}
		if err := sub.ping(ctx); err != nil {
			return err
		}
		select {
		case <-sub.signs:
		case <-time.After(p.pingTimeout):
			return errSilent
		case <-ctx.Done():
		}
	}
	return nil
}
