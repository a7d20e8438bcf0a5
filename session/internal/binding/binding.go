// Package binding binds sessions to the device of their browser: the browser registers a
// key that it cannot export, and from then on the session is only served together with a
// second, short-lived token, for which the browser proves again and again that it has the
// key. The protocol is that of package dbsc. The state is a field of the session's record,
// and changes by compare-and-swap.
package binding

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

const (
	// grace is how long the token before the present one is still good: requests with it
	// may be under way. For as long, a proof that comes twice gets the same token.
	grace = 30 * time.Second

	// leeway is how long a token is good after the browser has dropped its cookie, for
	// requests under way and clocks of instances that differ.
	leeway = 30 * time.Second
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

// Offered returns f with the offer to register a key until that time. A session that is
// bound stays so: its key goes with it when it is renewed, unless it gets another owner.
func Offered(f envelope.Fields, otherOwner bool, until envelope.Time) envelope.Fields {
	if f.Binding().Bound && !otherOwner {
		return f
	}
	return f.WithBinding(envelope.Binding{Pending: true, Until: until})
}

// tokenOf returns the token after that number of refreshes. It can be computed again from
// the record, so a browser whose answer was lost, and one of two parallel requests with
// the same proof, get the same token.
func tokenOf(b *envelope.Binding, proofs uint64) string {
	mac := hmac.New(sha256.New, b.Secret[:])
	mac.Write(binary.BigEndian.AppendUint64([]byte("bound token"), proofs))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Proves reports whether one of tokens is a live one of b at that time: the present one,
// or the one before for a short time.
func Proves(b *envelope.Binding, tokens []string, now envelope.Time) bool {
	return len(tokens) > 0 &&
		(now.Before(b.Until) && contains(tokens, tokenOf(b, b.Proofs)) ||
			b.Proofs > 0 && now.Before(b.Proven.Add(grace)) && contains(tokens, tokenOf(b, b.Proofs-1)))
}

// IsPresent reports whether one of tokens is the present one of b, and not the one before,
// for which the last proof was not made.
func IsPresent(b *envelope.Binding, tokens []string) bool {
	return contains(tokens, tokenOf(b, b.Proofs))
}

// contains compares in constant time, so that the time does not show how much of a guess
// is right.
func contains(tokens []string, token string) bool {
	found := 0
	for _, t := range tokens {
		found |= subtle.ConstantTimeCompare([]byte(t), []byte(token))
	}
	return found == 1
}

// prove notes in b that the browser has proven that it has the key, which makes a new
// token the present one.
func (b *Binder) prove(state *envelope.Binding) {
	state.Proven = records.Now()
	state.Until = state.Proven.Add(b.opts.Interval + leeway)
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
