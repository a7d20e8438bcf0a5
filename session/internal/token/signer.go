package token

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

const (
	// ValueLength is the length of a signed value of index 0.
	ValueLength = 120

	// MaxValueLength is the length of a signed value of another index.
	MaxValueLength = 136

	// olderBy is by how much a value is shorter that was signed with a clock before September
	// 2001, whose time has one digit less.
	olderBy = 4
)

// Options configure a Signer.
type Options struct {
	CookieName string        // which is signed as well
	Namespace  string        // of the sessions' IDs
	Keys       [][]byte      // of Config.SigningKeys; nil: none
	Ring       *keyring.Ring // nil: not used; there are Keys or a Ring or both
	RingSigns  bool
}

// Signer signs tokens and verifies signed ones. It is safe for concurrent use.
type Signer struct {
	opts    Options
	fixed   *keySet                // of Options.Keys; nil: none
	current atomic.Pointer[keySet] // of the ring
}

// NewSigner returns a Signer.
func NewSigner(o Options) *Signer {
	s := &Signer{opts: o}
	if len(o.Keys) > 0 {
		s.fixed = newKeySet(nil, o.Keys)
	}
	return s
}

// NewSession returns a new token and the ID of its record.
func (s *Signer) NewSession() (token []byte, id string) {
	token = New()
	return token, s.id(token)
}

// id returns the ID of the record of the session whose cookie holds token.
func (s *Signer) id(token []byte) string { return RecordID("session", s.opts.Namespace, token) }

// Sign returns the value of the cookie of that index that holds token.
func (s *Signer) Sign(ctx context.Context, token []byte, index uint64) (string, error) {
	codec, err := s.signing(ctx)
	if err != nil {
		return "", err
	}
	return codec.Encode(s.opts.CookieName, payloadOf(token, index))
}

func (s *Signer) signing(ctx context.Context) (*securecookie.SecureCookie, error) {
	if s.opts.Ring == nil {
		return s.fixed.codecs[0], nil
	}
	snapshot, at, err := s.opts.Ring.Signing(ctx)
	switch {
	case !s.opts.RingSigns: // but the ring exists before other instances sign with it
		return s.fixed.codecs[0], nil
	case err != nil:
		return nil, err
	}
	return s.keysOf(snapshot).codecs[at], nil
}

// keysOf returns the keys of a snapshot of the ring. A nil snapshot has none.
func (s *Signer) keysOf(snapshot *keyring.Snapshot) *keySet {
	if set := s.current.Load(); set != nil && set.snapshot == snapshot {
		return set
	}
	var keys [][]byte
	if snapshot != nil {
		for _, key := range snapshot.Keys {
			keys = append(keys, key.Secret)
		}
	}
	set := newKeySet(snapshot, keys)
	s.current.Store(set)
	return set
}

// Verify appends the sessions that these cookie values stand for: one for each distinct
// token with a valid signature, with the highest index that came with it. It returns an
// error if found stays empty and the ring cannot be read. It does not read the ring for
// values that no key can have signed, such as the tokens of other software in the header
// Authorization.
func (s *Signer) Verify(ctx context.Context, values []string, found []Identity) ([]Identity, error) {
	if s.fixed != nil {
		found = s.verifyBy(s.fixed, values, found)
	}
	if s.opts.Ring == nil || len(found) == len(values) {
		return found, nil
	}
	return s.verifyByRing(ctx, values, found)
}

// verifyByRing appends the sessions of the cookies that were signed with a key of the
// ring.
func (s *Signer) verifyByRing(ctx context.Context, values []string, found []Identity) ([]Identity, error) {
	if !slices.ContainsFunc(values, hasLength) {
		return found, nil
	}
	err := s.tryRing(ctx, func(keys *keySet) bool {
		found = s.verifyBy(keys, values, found)
		return len(found) > 0
	})
	if len(found) == 0 {
		return nil, err
	}
	return found, nil
}

// tryRing calls try with the keys of the ring and, if it returns false, once more with
// those of a ring that is read again.
func (s *Signer) tryRing(ctx context.Context, try func(*keySet) bool) error {
	snapshot, err := s.opts.Ring.Verifying(ctx)
	if err != nil || try(s.keysOf(snapshot)) {
		return err
	}
	if newer := s.opts.Ring.Refresh(ctx, snapshot); newer != snapshot {
		try(s.keysOf(newer))
	}
	return nil
}

// verifyBy appends the sessions of the cookies that were signed with one of keys. It
// compares tokens instead of cookies, because base64 has several spellings of the same
// bytes.
func (s *Signer) verifyBy(keys *keySet, values []string, found []Identity) []Identity {
	for _, value := range values {
		who := s.verifyOne(keys, value)
		if who.Token == nil {
			continue
		}
		at := slices.IndexFunc(found, func(other Identity) bool { return bytes.Equal(other.Token, who.Token) })
		switch {
		case at < 0:
			found = append(found, who)
		case found[at].Index < who.Index:
			found[at] = who
		}
	}
	return found
}

// hasLength reports whether value is as long as a signed value.
func hasLength(value string) bool {
	switch len(value) {
	case ValueLength, MaxValueLength, ValueLength - olderBy, MaxValueLength - olderBy:
		return true
	}
	return false
}

// verifyOne returns the session whose cookie has this value, if one of keys signed it. It
// rejects a value of another length without trying the keys.
func (s *Signer) verifyOne(keys *keySet, value string) Identity {
	if !hasLength(value) {
		return Identity{}
	}
	if who := keys.verified.find(value); who.Token != nil {
		return who
	}
	token, index := keys.token(s.opts.CookieName, value)
	if token == nil {
		return Identity{}
	}
	who := Identity{Token: token, Index: index, ID: s.id(token), Value: value}
	keys.verified.add(who)
	return who
}
