package migrate

import (
	"context"
	"errors"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/listening"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Broadcaster = (*Provider)(nil)

// A side is one of the two stores.
type side struct {
	store provider.Provider
	in    func(error) error // adds to an error which store it is from
}

// sides returns the store that the instances of the phase send messages through, and the
// other one. An instance sends a message once and listens to both stores, so it hears the
// phase before and the phase after, and nothing twice.
func (p *Provider) sides() (own, other side) {
	from, to := side{p.from, inFrom}, side{p.to, inTo}
	if p.prepare {
		return from, to
	}
	return to, from
}

// Broadcast implements provider.Broadcaster if one of the stores does: in the phase Prepare
// by from, in the phase Move by to, and by the other store if that one cannot.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := outcome.Check(ctx, "migrate", provider.ValidateMessage(message)); err != nil {
		return err
	}
	own, other := p.sides()
	err := provider.Broadcast(ctx, own.store, message)
	if err == nil {
		return nil
	}
	err = own.in(err)
	if errors.Is(err, errors.ErrUnsupported) {
		if err := provider.Broadcast(ctx, other.store, message); err != nil {
			return other.in(err)
		}
		return nil
	}
	return err
}

// Listen implements provider.Broadcaster if to does in the phase Move, and if from does in
// the phase Prepare. It also listens to the other store, if that can, and ends when either
// connection is lost.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "migrate", ready, heard, p.receive)
}

// receive is a listening.Receiver.
func (p *Provider) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	own, other := p.sides()
	begun := make(chan struct{}, 2)
	ended := make(chan error, 2)
	for i, s := range []side{own, other} {
		go func() {
			err := provider.Listen(ctx, s.store, func() { begun <- struct{}{} }, deliver)
			if i == 0 || !errors.Is(err, errors.ErrUnsupported) {
				ended <- s.in(err)
				return
			}
			begun <- struct{}{} // nobody else can use it either
			ended <- nil
		}()
	}
	return awaitEnd(begin, begun, ended, stop)
}

// awaitEnd calls begin when both have begun. It returns the first error of a Listen, after
// both have ended.
func awaitEnd(begin func(), begun <-chan struct{}, ended <-chan error, stop func()) error {
	var first error
	for left, waiting := 2, 2; left > 0; {
		select {
		case <-begun:
			if waiting--; waiting == 0 {
				begin()
			}
		case err := <-ended:
			left--
			if err != nil && first == nil {
				first = err
				stop()
			}
		}
	}
	return first
}
