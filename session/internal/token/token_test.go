package token_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/token"
)

func TestTokenIs32RandomBytes(t *testing.T) {
	var seen [32]byte
	for range 16 {
		tok := token.New()
		if len(tok) != 32 {
			t.Fatalf("%d bytes", len(tok))
		}
		for i, b := range tok {
			seen[i] |= b
		}
	}
	if i := bytes.IndexByte(seen[:], 0); i >= 0 {
		t.Errorf("byte %d of 16 tokens is 0", i)
	}
}

// The IDs are in the stores: another release must find them.
func TestRecordIDNeverChanges(t *testing.T) {
	if got, want := token.RecordID("session", "shop", []byte("token")), "Dt4zc7Vl8-gCLBXIwH9flAAmqVgtFiYtbY1Kp-WqUHA"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRecordIDSeparatesKindsNamespacesAndNames(t *testing.T) {
	seen := map[string]int{}
	for i, of := range [][3]string{
		{"session", "shop", "token"},
		{"owner", "shop", "token"},
		{"session", "blog", "token"},
		{"session", "", "token"},
		{"session", "shop", "other"},
		{"session", "shop", ""},
		{"session", "shopt", "oken"}, // the same bytes, divided elsewhere
		{"sessions", "hop", "token"},
		{"session", "sho", "ptoken"},
	} {
		id := token.RecordID(of[0], of[1], []byte(of[2]))
		if other, there := seen[id]; there {
			t.Errorf("cases %d and %d have the same ID", other, i)
		}
		seen[id] = i
	}
}

func TestRecordIDTellsNothing(t *testing.T) {
	tok := token.New()
	id := token.RecordID("session", namespace, tok)
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(id) {
		t.Errorf("ID %q, want a hash in base64", id)
	}
	if again := token.RecordID("session", namespace, tok); again != id {
		t.Errorf("the same token has the IDs %q and %q", id, again)
	}
}

func TestNewSessionHasTheRecordOfItsToken(t *testing.T) {
	s := newSigner(nil, key(1))
	tok, id := s.NewSession()
	if want := token.RecordID("session", namespace, tok); id != want {
		t.Errorf("ID %q, want %q", id, want)
	}
	if other, otherID := s.NewSession(); bytes.Equal(other, tok) || otherID == id {
		t.Error("two sessions are the same")
	}
}
