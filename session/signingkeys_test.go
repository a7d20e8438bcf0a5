package session_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// wantKeys checks the descriptions of the keys: "ring" or "config", and "signs".
func wantKeys(t *testing.T, m *session.Manager, want ...string) {
	t.Helper()
	keys, err := m.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range keys {
		text := "config"
		if k.InRing {
			text = "ring"
		}
		if k.InRing == k.From.IsZero() {
			t.Errorf("the key is %+v", k)
		}
		if k.Signs {
			text += " signs"
		}
		got = append(got, text)
	}
	if len(got) != len(want) {
		t.Fatalf("the keys are %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("the keys are %q, want %q", got, want)
		}
	}
}

func TestSigningKeysOfTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
		wantKeys(t, w.m)
		c := w.client()
		c.post(set("a=1")).wantPage(t)
		wantKeys(t, w.m, "ring signs")
		for range 2 { // the second adds none
			wantErr(t, w.m.RotateSigningKey(t.Context()), nil)
			wantKeys(t, w.m, "ring", "ring signs")
		}
		other := w.manager(func(cfg *session.Config) { cfg.SigningKeys = nil })
		wantKeys(t, other, "ring", "ring signs")
		time.Sleep(15*time.Minute + time.Second)
		wantKeys(t, w.m, "ring signs", "ring")
		c.wantState("a=1")
		fresh := w.client()
		fresh.post(set("b=1")).wantPage(t)
		fresh.m = other
		fresh.wantState("b=1")
	})
}

func TestSigningKeysOfTheConfig(t *testing.T) {
	one, two := bytes.Repeat([]byte("1"), 32), bytes.Repeat([]byte("2"), 32)
	of := func(ring session.KeyRing) func(*session.Config) {
		return func(cfg *session.Config) { cfg.SigningKeys, cfg.KeyRing = [][]byte{one, two}, ring }
	}
	w := newWorld(t, of(session.KeyRingAuto))
	wantKeys(t, w.m, "config signs", "config")
	if err := w.m.RotateSigningKey(t.Context()); err == nil {
		t.Error("a key was added to no ring")
	}
	verifies := w.manager(of(session.KeyRingVerifies))
	wantErr(t, verifies.RotateSigningKey(t.Context()), nil) // creates the ring
	wantKeys(t, verifies, "config signs", "config", "ring")
	wantKeys(t, w.manager(of(session.KeyRingSigns)), "config", "config", "ring signs")
}

func TestSigningKeysWhileTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
		w.client().post(set("a=1")).wantPage(t)
		other := w.manager(func(cfg *session.Config) { cfg.SigningKeys = nil })
		w.onFetch(failing)
		_, err := other.SigningKeys(t.Context())
		wantErr(t, err, session.ErrUnavailable)
	})
}

func TestRotateSigningKeyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
		w.client().post(set("a=1")).wantPage(t)
		w.onFetch(failing)
		wantErr(t, w.m.RotateSigningKey(t.Context()), session.ErrUnavailable)
		wantKeys(t, w.m, "ring signs")
		wantErr(t, w.m.RotateSigningKey(t.Context()), nil)
		wantKeys(t, w.m, "ring", "ring signs")
	})
}
