package binding

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// purpose keeps challenges apart from all else that is signed with the same keys.
const purpose = "device challenge"

// A challenge is signed, so that the server has to store nothing for a request without a
// proof. It counts for one state of one session, since it names the number of proofs
// before it:
//
//	byte      kind
//	16 bytes  of the hash of the session's ID
//	8 bytes   number of refreshes before
//	8 bytes   time, Unix milliseconds
//	8 bytes   random
const (
	registering byte = 1
	refreshing  byte = 2

	idAt        = 1
	proofsAt    = idAt + 16
	timeAt      = proofsAt + 8
	randomAt    = timeAt + 8
	payloadSize = randomAt + 8

	// pause is the time beyond the interval for which a challenge counts: the browser may
	// be suspended, or refresh late.
	pause = 5 * time.Minute
)

// Offer returns the challenge of the registration that is offered for the session of that
// ID.
func (b *Binder) Offer(ctx context.Context, id string) (string, error) {
	return b.challenge(ctx, registering, id, 0)
}

func (b *Binder) challenge(ctx context.Context, kind byte, id string, proofs uint64) (string, error) {
	payload := payloadOf(kind, id, proofs)
	payload = binary.BigEndian.AppendUint64(payload, uint64(time.Now().UnixMilli()))
	payload = append(payload, make([]byte, payloadSize-randomAt)...)
	_, _ = rand.Read(payload[randomAt:]) // never fails: it aborts the program instead
	value, err := b.opts.Signer.SignFor(ctx, purpose, payload)
	if err != nil {
		return "", records.Unavailable(err)
	}
	return value, nil
}

// payloadOf returns the part of a challenge before its time.
func payloadOf(kind byte, id string, proofs uint64) []byte {
	hash := sha256.Sum256([]byte(id))
	payload := append(make([]byte, 0, payloadSize), kind)
	payload = append(payload, hash[:proofsAt-idAt]...)
	return binary.BigEndian.AppendUint64(payload, proofs)
}

// counts returns for how many refreshes before it a challenge of that kind and session
// counts. It returns ErrChallenge if it was signed for another session, by nobody, or too
// long ago.
func (b *Binder) counts(ctx context.Context, challenge string, kind byte, id string) (proofs uint64, err error) {
	payload, err := b.opts.Signer.VerifyFor(ctx, purpose, challenge)
	switch {
	case err != nil:
		return 0, records.Unavailable(err)
	case len(payload) != payloadSize:
		return 0, ErrChallenge
	}
	proofs = binary.BigEndian.Uint64(payload[proofsAt:])
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(payload[timeAt:])))
	if !bytes.HasPrefix(payload, payloadOf(kind, id, proofs)) || time.Since(at) > b.opts.Interval+pause {
		return 0, ErrChallenge
	}
	return proofs, nil
}
