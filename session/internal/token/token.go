// Package token makes the tokens that session cookies hold, signs them, and finds the
// session that a cookie stands for.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

const (
	size      = 32 // bytes; OWASP requires at least 64 bits of entropy
	indexSize = 8
)

// Identity is the token of a session, the ID of its record, a hash of the token, and the
// signed token that it was found in.
type Identity struct {
	Token []byte // not to be written to
	Index uint64 // of the cookie among those of the session
	ID    string
	Value string // as it was passed to Verify
}

// New returns a new token.
func New() []byte {
	token := make([]byte, size)
	_, _ = rand.Read(token) // never fails: it aborts the program instead
	return token
}

// payloadOf returns the bytes that are signed: the token, followed by the index unless that
// is 0.
func payloadOf(token []byte, index uint64) []byte {
	if index == 0 {
		return token
	}
	return binary.BigEndian.AppendUint64(slices.Clip(token), index)
}

// parsePayload returns the token and the index in a signed payload, or nil.
func parsePayload(payload []byte) (token []byte, index uint64) {
	switch len(payload) {
	case size:
		return payload, 0
	case size + indexSize:
		if index = binary.BigEndian.Uint64(payload[size:]); index != 0 {
			return payload[:size:size], index
		}
	}
	return nil, 0
}

// RecordID returns the ID of the record of that kind and name within a namespace. It is a
// hash, so that reading the store does not help to take over a session.
func RecordID(kind, namespace string, name []byte) string {
	named := make([]byte, 0, 128)
	for _, part := range []string{"holdfast", kind, namespace} {
		named = append(append(named, part...), 0)
	}
	sum := sha256.Sum256(append(named, name...))
	return string(base64.RawURLEncoding.AppendEncode(named[:0], sum[:]))
}
