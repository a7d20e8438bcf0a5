package token_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

const (
	cookie    = "session"
	namespace = "shop"

	rotation  = 30 * 24 * time.Hour
	retention = 24 * time.Hour
)

var errDown = errors.New("store is down")

// key returns the nth signing key.
func key(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

// newSigner returns a Signer of these keys, with the ring if it is not nil.
func newSigner(ring *keyring.Ring, keys ...[]byte) *token.Signer {
	return token.NewSigner(token.Options{CookieName: cookie, Namespace: namespace, Keys: keys, Ring: ring, RingSigns: len(keys) == 0})
}

// newRing returns one instance's view of the ring in p.
func newRing(p provider.Provider) *keyring.Ring {
	return keyring.New(records.New(p, records.Options{Timeout: time.Minute}),
		keyring.Options{ID: "ring", Rotation: rotation, Retention: retention, Logger: slog.New(slog.DiscardHandler)})
}

// down is a store that fails.
func down(p provider.Provider) *storetest.Store {
	return &storetest.Store{
		Provider: p,
		OnFetch: func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
			return nil, errDown
		},
	}
}

// elapse lets time pass in the bubble.
func elapse(d time.Duration) { time.Sleep(d) }

func mustSign(t *testing.T, s *token.Signer, tok []byte) string {
	t.Helper()
	value, err := s.Sign(t.Context(), tok, 0)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return value
}

// verified returns the tokens that Verify finds in these values.
func verified(t *testing.T, s *token.Signer, values ...string) (tokens [][]byte) {
	t.Helper()
	found, err := s.Verify(t.Context(), values, nil)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	for _, who := range found {
		if want := token.RecordID("session", namespace, who.Token); who.ID != want {
			t.Errorf("ID %q of a token, want %q", who.ID, want)
		}
		tokens = append(tokens, who.Token)
	}
	return tokens
}

// wantTokens checks that Verify finds these tokens in the values.
func wantTokens(t *testing.T, s *token.Signer, values []string, want ...[]byte) {
	t.Helper()
	got := verified(t, s, values...)
	if len(got) != len(want) {
		t.Errorf("found %d tokens, want %d", len(got), len(want))
		return
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("token %d: %x, want %x", i, got[i], want[i])
		}
	}
}
