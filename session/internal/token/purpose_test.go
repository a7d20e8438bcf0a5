package token_test

import (
	"bytes"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

func TestSignedForAPurpose(t *testing.T) {
	for name, signer := range map[string]*token.Signer{
		"by a fixed key": newSigner(nil, key(1)),
		"by the ring":    newSigner(newRing(memory.New())),
	} {
		t.Run(name, func(t *testing.T) {
			payload := token.New() // as long as a session's token
			value, err := signer.SignFor(t.Context(), "this", payload)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := signer.VerifyFor(t.Context(), "this", value); err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%v, %v", got, err)
			}
			if got, err := signer.VerifyFor(t.Context(), "that", value); err != nil || got != nil {
				t.Errorf("for another purpose: %v, %v", got, err)
			}
			wantTokens(t, signer, []string{value}) // it is no session
			if got, err := signer.VerifyFor(t.Context(), "this", mustSign(t, signer, payload)); err != nil || got != nil {
				t.Errorf("the token of a session: %v, %v", got, err)
			}
			if got, err := signer.VerifyFor(t.Context(), "this", "forged"); err != nil || got != nil {
				t.Errorf("forged: %v, %v", got, err)
			}
		})
	}
}

// What was signed with a key that is new on another instance is verified after the ring is
// read again; what was signed with an old key, as long as the key is there.
func TestSignedForAPurposeByAnotherKey(t *testing.T) {
	value, err := newSigner(nil, key(1)).SignFor(t.Context(), "this", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := newSigner(nil, key(2), key(1)).VerifyFor(t.Context(), "this", value); err != nil || string(got) != "x" {
		t.Errorf("by an old key: %q, %v", got, err)
	}
	if got, err := newSigner(nil, key(2)).VerifyFor(t.Context(), "this", value); err != nil || got != nil {
		t.Errorf("by an unknown key: %q, %v", got, err)
	}
}
