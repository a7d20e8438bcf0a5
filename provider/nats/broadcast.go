package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	natsclient "github.com/nats-io/nats.go"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/listening"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Broadcaster = (*Provider)(nil)

// The first byte of the data of a NATS message.
const (
	messagePrefix = 'm' // before a message
	probePrefix   = 'p' // before what a Listen sends itself
)

// broadcastSubject is the subject of the messages. It is outside of the bucket: nothing is
// stored.
func (p *Provider) broadcastSubject() string { return "holdfast.broadcast." + p.bucket }

// Broadcast implements provider.Broadcaster, by one trip.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := outcome.Check(ctx, "nats", provider.ValidateMessage(message)); err != nil {
		return err
	}
	if err := p.send(ctx, messagePrefix, message); err != nil {
		return p.explain(ctx, err)
	}
	return nil
}

// send publishes a message of one kind, and returns when the server has it.
func (p *Provider) send(ctx context.Context, kind byte, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeoutOf(ctx))
	defer cancel()
	if !p.conn.IsConnected() {
		return p.disconnected()
	}
	if err := p.conn.Publish(p.broadcastSubject(), append([]byte{kind}, message...)); err != nil {
		return err
	}
	return p.conn.FlushWithContext(ctx)
}

var (
	errUnheard          = errors.New("a Listen does not hear itself: the user must be allowed to publish and to subscribe to its subject, the connection must not be made with NoEcho, and the server must not be overloaded")
	errConnectionBroken = errors.New("the connection was lost; messages may have been missed")
)

// Listen implements provider.Broadcaster. It uses the connection of the provider, and ends
// when that is lost, although the client connects again. It ends if 1,024 messages wait for
// heard and another one arrives.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "nats", ready, heard, func(ctx context.Context, begin func(), deliver func([]byte)) error {
		return p.explain(ctx, p.receive(ctx, begin, deliver))
	})
}

// receive listens until the connection is lost, and never returns nil.
func (p *Provider) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	lost := p.conn.StatusChanged(natsclient.DISCONNECTED, natsclient.RECONNECTING, natsclient.CLOSED)
	defer p.conn.RemoveStatusListener(lost)
	if !p.conn.IsConnected() {
		return p.disconnected()
	}
	probe, probed := rand.Text(), make(chan struct{}, 1)
	subscription, err := p.conn.Subscribe(p.broadcastSubject(), func(m *natsclient.Msg) {
		switch {
		case len(m.Data) == 0:
		case m.Data[0] == messagePrefix:
			deliver(m.Data[1:])
		case string(m.Data) == string(probePrefix)+probe:
			probed <- struct{}{}
		}
	})
	if err != nil {
		return err
	}
	defer func() { _ = subscription.Unsubscribe() }()
	if err := p.awaitProbe(ctx, probe, probed, lost); err != nil {
		return err
	}
	begin()
	select {
	case <-lost:
		return errConnectionBroken
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitProbe sends a message to itself and waits for it: a server does not say in time what
// it does not permit.
func (p *Provider) awaitProbe(ctx context.Context, probe string, probed <-chan struct{}, lost <-chan natsclient.Status) error {
	if err := p.send(ctx, probePrefix, []byte(probe)); err != nil {
		return err
	}
	timer := time.NewTimer(p.probeTimeout)
	defer timer.Stop()
	select {
	case <-probed:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w (subject %s)", errUnheard, p.broadcastSubject())
	case <-lost:
		return errConnectionBroken
	case <-ctx.Done():
		return ctx.Err()
	}
}
