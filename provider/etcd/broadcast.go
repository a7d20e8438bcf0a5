package etcd

import (
	"context"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Broadcaster = (*Provider)(nil)

// messagePrefix is before a message in the value of the key, so that no message looks like
// a record.
const messagePrefix = "m"

// broadcastKey is the key that every message is written to. It is no record's key, since no
// ID begins with a NUL.
func (p *Provider) broadcastKey() string { return p.prefix + "\x00broadcast" }

// Broadcast implements provider.Broadcaster, by one round trip, which is a write of a key.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := outcome.Check(ctx, "etcd", provider.ValidateMessage(message)); err != nil {
		return err
	}
	if _, err := p.kv().Put(ctx, p.broadcastKey(), messagePrefix+string(message)); err != nil {
		return p.explain(ctx, err)
	}
	return nil
}
