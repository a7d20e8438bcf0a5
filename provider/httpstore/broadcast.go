package httpstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Broadcaster = (*Provider)(nil)

var errNoMessages = fmt.Errorf("httpstore: the server has no messages (%s): %w", messagesPath, errors.ErrUnsupported)

// Broadcast implements provider.Broadcaster, by one request. It returns an error that wraps
// errors.ErrUnsupported if the server or its store cannot broadcast.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := outcome.Check(ctx, "httpstore", provider.ValidateMessage(message)); err != nil {
		return err
	}
	// The transport may read the body after the call was given up.
	reply, err := p.call(ctx, call{method: http.MethodPost, path: messagesPath, data: bytes.Clone(message)})
	switch {
	case err != nil:
		return err
	case reply.status == http.StatusOK, reply.status == http.StatusNoContent:
		return nil
	default:
		return reply.messageFailure()
	}
}

// messageFailure is failure for the path of the messages, which a server need not have.
func (a *answer) messageFailure() error {
	if a.kind == kindNoSuchPath.name || a.kind == kindNoMethod.name {
		return errNoMessages
	}
	return a.failure("")
}
