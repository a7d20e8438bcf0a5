// Package binding binds sessions to the device of their browser: the browser registers a
// key that it cannot export, and from then on the session is only served together with a
// second, short-lived token, for which the browser proves again and again that it has the
// key. The protocol is that of package dbsc. The state is a field of the session's record,
// and changes by compare-and-swap.
package binding

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

// The errors of Register and Refresh besides those of package records.
var (
	// ErrChallenge: the proof is missing, or is for a challenge that counts no more.
	ErrChallenge = errors.New("session: the browser has to sign a new challenge")

	// ErrProof: the proof is malformed, or not signed by the key of the session.
	ErrProof = errors.New("session: the proof of the device is not valid")

	// ErrNotOffered: the session has no registration to be completed.
	ErrNotOffered = errors.New("session: no registration of a device was offered, or its time is over")

	// ErrTaken: another key is registered.
	ErrTaken = errors.New("session: another key is registered for the session")
)

// Options configure a Binder.
type Options struct {
	Records   *records.Store
	Lifetimes records.Lifetimes
	Signer    *token.Signer
	Interval  time.Duration // between two proofs

	// RegisterPath and RefreshPath are the paths of the endpoints as browsers see them.
	RegisterPath, RefreshPath string
}

// Binder registers keys and refreshes tokens. It is safe for concurrent use.
type Binder struct{ opts Options }

// New returns a Binder.
func New(o Options) *Binder { return &Binder{o} }

// Bound is what the browser gets for a proof.
type Bound struct {
	ID        string // under which the browser refreshes the session
	Token     string
	Challenge string // for the next proof
	PublicID  string // of the session's record
}

// Offered returns f with the offer to register a key until that time, in place of the
// present binding.
func Offered(f envelope.Fields, until envelope.Time) envelope.Fields {
	return f.WithBinding(envelope.Binding{Pending: true, Until: until})
}

// issue returns what the browser gets in the present state of the session.
func (b *Binder) issue(ctx context.Context, id, publicID string, state *envelope.Binding) (Bound, error) {
	challenge, err := b.challenge(ctx, refreshing, id, state.Proofs)
	if err != nil {
		return Bound{}, err
	}
	return Bound{ID: id, Token: tokenOf(state, state.Proofs), Challenge: challenge, PublicID: publicID}, nil
}

// following returns the content after current with that binding. The session is not
// extended: the browser proves its key without its user.
func (b *Binder) following(current *records.Content, state envelope.Binding) *records.Content {
	next := b.opts.Lifetimes.FollowUnused(current)
	next.Fields = next.Fields.WithBinding(state)
	next.EncodeAfter(current, &current.Entries, nil)
	return next
}
