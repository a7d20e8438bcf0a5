package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	natsclient "github.com/nats-io/nats.go"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound    = fmt.Errorf("nats: %w", provider.ErrNotFound)
	errForeign     = outcome.Refused(fmt.Errorf("nats: %w: the bucket has a key that is not of this package; use a bucket for sessions alone", provider.ErrUnreadable))
	errGarbled     = errors.New("nats: the reply cannot be read; is JetStream enabled, and does another subscriber answer in its place?")
	errLost        = errors.New("the connection was lost before the reply")
	errTooMany     = errors.New("nats: the bucket has too many keys for List, more than 100,000 in one of 4,096 parts; divide the sessions among several buckets")
	errOtherStream = errors.New("nats: another stream than that of the bucket has stored the message; remove the subjects of the bucket from that stream")
)

// Codes of JetStream's errors.
const (
	codeStreamNotFound    = 10059
	codeNoMessage         = 10037
	codeWrongSequence     = 10071
	codeInFlight          = 10164 // another message of the subject is not stored by all yet
	codeStoreFailed       = 10077
	codeMessageTooLarge   = 10054
	codeNoResources       = 10023
	codeAccountLimit      = 10002
	codeTTLDisabled       = 10166
	codeJetStreamDisabled = 10039
)

// unsent is the error of a request that was not sent.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// disconnected returns why there is no connection.
func (p *Provider) disconnected() error {
	state := natsclient.ErrDisconnected
	if p.conn.IsClosed() {
		state = natsclient.ErrConnectionClosed
	}
	if err := cmp.Or(p.lastError(), p.conn.LastError()); err != nil {
		return fmt.Errorf("%w: %w", state, err)
	}
	return state
}

// connected returns an error if there is no connection. A request would then be kept until
// there is one, or be refused with an error that does not say so.
func (p *Provider) connected() error {
	if p.conn.IsConnected() {
		return nil
	}
	return &unsent{p.disconnected()}
}

// unsentOf returns err, or what it means if it says that the client keeps no requests while
// there is no connection.
func (p *Provider) unsentOf(err error) error {
	if errors.Is(err, natsclient.ErrReconnectBufExceeded) {
		return &unsent{p.disconnected()}
	}
	return err
}

// explainWrite is explain for a message. It marks the error if the message has certainly
// not been stored and will not be.
func (p *Provider) explainWrite(ctx context.Context, err error) error {
	explained := p.explain(ctx, err)
	_, notSent := errors.AsType[*unsent](err)
	_, answered := errors.AsType[*apiError](err)
	switch {
	case answered || errors.Is(err, natsclient.ErrMaxPayload):
		return outcome.Refused(explained)
	// Nobody is subscribed to the subject. After the election of a leader somebody is.
	case notSent || errors.Is(err, natsclient.ErrNoResponders):
		return outcome.NotSaved(explained)
	default:
		return explained
	}
}

// explain converts err, from a call with ctx, into an error for the caller that suggests
// what to do about it.
func (p *Provider) explain(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("nats: %w: %w", over, err)
	}
	switch {
	case errors.Is(err, natsclient.ErrNoResponders):
		return fmt.Errorf("nats: nobody answers for bucket %q: it does not exist (CreateBucket creates it), JetStream is not enabled, the account has no permission, or the bucket has no leader at the moment: %w", p.bucket, err)
	case errors.Is(err, natsclient.ErrDisconnected):
		return fmt.Errorf("nats: no server can be reached; the client goes on trying: %w", err)
	case errors.Is(err, natsclient.ErrConnectionClosed):
		return fmt.Errorf("nats: the connection was closed, by Close or after the server has refused the user several times; open the provider again: %w", err)
	case errors.Is(err, natsclient.ErrMaxPayload):
		return fmt.Errorf("nats: %w: the server's max_payload is exceeded, 1 MiB by default: %w", provider.ErrTooLarge, err)
	}
	if answer, ok := errors.AsType[*apiError](err); ok {
		return p.explainAnswer(answer)
	}
	return fmt.Errorf("nats: %w", err)
}

func (p *Provider) explainAnswer(answer *apiError) error {
	switch answer.Code {
	case codeStreamNotFound:
		return fmt.Errorf("nats: there is no bucket %q; create it with CreateBucket: %w", p.bucket, answer)
	case codeJetStreamDisabled:
		return fmt.Errorf("nats: the account must be allowed to use JetStream: %w", answer)
	case codeTTLDisabled:
		return fmt.Errorf("nats: bucket %q does not allow a TTL for each message; set allow_msg_ttl of stream %s, or let CreateBucket create the bucket: %w", p.bucket, p.stream(), answer)
	case codeMessageTooLarge:
		return fmt.Errorf("nats: %w: the bucket's max_msg_size is exceeded: %w", provider.ErrTooLarge, answer)
	case codeNoResources, codeAccountLimit:
		return fmt.Errorf("nats: %w: the limits of JetStream or of the account are reached: %w", provider.ErrFull, answer)
	case codeStoreFailed:
		if strings.Contains(answer.Description, "maximum") || strings.Contains(answer.Description, "resource") || strings.Contains(answer.Description, "space") {
			return fmt.Errorf("nats: %w: the limits of the bucket or of JetStream's store are reached: %w", provider.ErrFull, answer)
		}
	}
	return fmt.Errorf("nats: %w", answer)
}
