package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Broadcaster = (*Provider)(nil)

// Broadcast implements provider.Broadcaster, by one trip.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := outcome.Check(ctx, "redis", provider.ValidateMessage(message)); err != nil {
		return err
	}
	sharded := p.sharded()
	err := p.publish(ctx, sharded, message)
	if sharded && unknownCommand(err) {
		p.unsharded.Store(true)
		err = p.publish(ctx, false, message)
	}
	if err != nil {
		return p.failed(ctx, p.channel(), err)
	}
	return nil
}

// publish sends the message once: go-redis might send it a second time after the first
// has arrived.
func (p *Provider) publish(ctx context.Context, sharded bool, message []byte) error {
	command := "publish"
	if sharded {
		command = "spublish"
	}
	payload := &parcel{bytes: bytes.Clone(message)}
	cmd := once{goredis.NewCmd(ctx, command, p.channel(), payload)}
	cmd.SetFirstKeyPos(1)
	err := p.process(ctx, cmd)
	if err != nil {
		payload.keep()
	}
	return err
}

// channel is the channel of the messages. Redis does not separate channels by databases,
// so their number is in the name.
func (p *Provider) channel() string {
	return fmt.Sprintf("%sbroadcast:%d", p.prefix, databaseOf(p.client))
}

func databaseOf(client Client) int {
	switch c := client.(type) {
	case interface{ Options() *goredis.Options }:
		return c.Options().DB
	case interface{ Options() *goredis.RingOptions }:
		return c.Options().DB
	default: // a cluster has one database
		return 0
	}
}

// sharded reports whether the channel is a sharded one, which the nodes of a cluster have
// from Redis 7.0 on: only the channel's shard gets the messages, instead of all nodes.
func (p *Provider) sharded() bool {
	_, cluster := p.client.(interface {
		MasterForKey(ctx context.Context, key string) (*goredis.Client, error)
	})
	return cluster && !p.unsharded.Load()
}

func unknownCommand(err error) bool {
	reply, ok := errors.AsType[goredis.Error](err)
	return ok && strings.Contains(reply.Error(), "unknown command")
}
