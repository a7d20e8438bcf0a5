package sealed

import (
	"context"

	"github.com/holdfast-go/holdfast/provider"
)

var _ provider.Broadcaster = (*Provider)(nil)

// Broadcast implements provider.Broadcaster if the inner provider does. The message is not
// sealed.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	return provider.Broadcast(ctx, p.inner, message)
}

// Listen implements provider.Broadcaster if the inner provider does. Messages may be of
// anyone who has access to the store.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return provider.Listen(ctx, p.inner, ready, heard)
}
