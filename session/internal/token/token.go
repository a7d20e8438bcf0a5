// Package token makes the tokens that session cookies hold, signs them, and finds the
// session that a cookie stands for.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const size = 32 // bytes; OWASP requires at least 64 bits of entropy

// Identity is the token of a session, the ID of its record, a hash of the token, and the
// signed token that it was found in.
type Identity struct {
	Token []byte // not to be written to
	ID    string
	Value string // as it was passed to Verify
}

// New returns a new token.
func New() []byte {
	token := make([]byte, size)
	_, _ = rand.Read(token) // never fails: it aborts the program instead
	return token
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
