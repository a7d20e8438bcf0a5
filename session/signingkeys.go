package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// SigningKey describes a key that signs or verifies the tokens of sessions. It does not
// contain the key.
type SigningKey struct {
	// From is when a key of the ring begins to sign, or has begun. It is zero for a key of
	// Config.SigningKeys.
	From time.Time

	// InRing is set for a key of the ring in the provider (Config.KeyRing), and not for one
	// of Config.SigningKeys.
	InRing bool

	// Signs is set for the one key that signs new tokens now. The others only verify.
	Signs bool
}

// SigningKeys describes the keys that this Manager verifies tokens with: those of
// Config.SigningKeys in their order, then those of the ring, the newest first. It creates
// no ring: there are no keys until the first token is signed. The ring may be one that was
// read up to five minutes ago. The error is ErrUnavailable, or ErrUnreadable for a ring that
// is damaged; the keys of Config.SigningKeys are then returned beside it.
func (m *Manager) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	m.check()
	ringSigns := m.cfg.KeyRing == KeyRingSigns || len(m.cfg.SigningKeys) == 0
	var keys []SigningKey
	for i := range m.cfg.SigningKeys {
		keys = append(keys, SigningKey{Signs: i == 0 && !ringSigns})
	}
	if m.ring == nil {
		return keys, nil
	}
	ring, err := m.ring.Verifying(ctx)
	if ring == nil || err != nil {
		return keys, err
	}
	signs := ring.SigningAt(time.Now())
	for i, key := range ring.Keys {
		keys = append(keys, SigningKey{From: key.From, InRing: true, Signs: i == signs && ringSigns})
	}
	return keys, nil
}

// RotateSigningKey adds a key to the ring before Config.SigningKeyRotation has passed. The
// key signs after 15 minutes, when every instance has read it. Nobody is signed out: older
// keys verify until the last token that they have signed has expired. So it does not help
// against a thief of the keys: for that see [Manager.RevokeEverything].
//
// It takes two storage trips. It does nothing if the newest key does not sign yet, so that
// a call that is repeated adds one key. The error is ErrUnavailable or ErrUnreadable, or
// another one if the ring is full or Config.KeyRing does not use the ring.
func (m *Manager) RotateSigningKey(ctx context.Context) error {
	m.check()
	if m.ring == nil {
		return errors.New("session: RotateSigningKey without a ring: the keys are those of Config.SigningKeys; change them there")
	}
	if err := m.ring.Rotate(ctx); err != nil {
		return fmt.Errorf("session: RotateSigningKey: %w", err)
	}
	return nil
}
