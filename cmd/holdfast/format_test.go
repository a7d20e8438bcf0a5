package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/session"
)

// own is a codec of the program's own, as far as strings go.
type own struct{}

func (own) Name() string { return "own" }

func (own) Marshal(v any) ([]byte, error) {
	if s, ok := v.(*string); ok {
		return append([]byte{0xff}, *s...), nil
	}
	return json.Marshal(v)
}

func (own) Unmarshal(data []byte, v any) error {
	if s, ok := v.(*string); ok {
		*s = strings.TrimPrefix(string(data), "\xff")
		return nil
	}
	return json.Unmarshal(data, v)
}

func TestACodecOfTheProgramsOwn(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{Codec: own{}})
	ada := s.signIn("ada")
	ada.visit(func(s *session.Session) { name.Set(s, "A") })
	if text := s.must("show", ada.publicID()); !strings.Contains(text, `name = ff41 (hexadecimal, 2 bytes: session: key "name" is encoded by a codec that is not known here)`) {
		t.Errorf("show:\n%s", text)
	}
	if text := s.must("show", "-json", ada.publicID()); !strings.Contains(text, `"name":"/0E="`) {
		t.Errorf("show -json:\n%s", text)
	}
	if got := s.listed("-user", "ada"); !same(got, []string{ada.publicID()}) {
		t.Errorf("list: %q", got)
	}
	s.must("revoke", "-user", "ada")
	s.wantEnded(ada)
	eve := s.signIn("eve")
	s.must("revoke", eve.publicID())
	s.wantEnded(eve)
}

// A session of such a codec is revoked, too, if it is saved at the same moment.
func TestACodecOfTheProgramsOwnInAConflict(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{Codec: own{}})
	ada := s.signIn("ada")
	var meanwhile sync.Once
	s.store = &storetest.Store{
		Provider: s.store,
		OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			meanwhile.Do(func() { ada.visit(func(s *session.Session) { name.Set(s, "A") }) })
			return next(ctx, rec, expect)
		},
	}
	s.must("revoke", ada.publicID())
	s.wantEnded(ada)
}

func TestLongValuesThatDoNotDecodeAreCut(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{Codec: own{}})
	ada := s.signIn("ada")
	ada.visit(func(s *session.Session) { name.Set(s, strings.Repeat("A", 1000)) })
	if text := s.must("show", ada.publicID()); !strings.Contains(text, strings.Repeat("41", shownBytes-1)+"… (hexadecimal, 1001 bytes") {
		t.Errorf("show:\n%s", text)
	}
}

func TestSealed(t *testing.T) {
	key := bytes.Repeat([]byte("s"), 32)
	inner := memory.New()
	store, err := sealed.New(inner, [][]byte{key})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, store, session.Config{})
	s.store = inner // the tool's
	ada := s.signIn("ada")

	if r := s.run("list"); r.code != 0 || strings.Contains(r.out, ada.publicID()) || !strings.Contains(r.errOut, "passed over 2 sealed records") {
		t.Errorf("list without keys: exit code %d\n%s%s", r.code, r.out, r.errOut)
	}
	if text := s.must("show", ada.publicID()); !strings.Contains(text, "sealed: it is sealed; set HOLDFAST_SEAL_KEYS") || strings.Contains(text, "basket") {
		t.Errorf("show without keys:\n%s", text)
	}
	s.fails(1, "set HOLDFAST_SEAL_KEYS", "revoke", ada.publicID())
	s.fails(1, "set HOLDFAST_SEAL_KEYS", "revoke", "-user", "ada")
	if text := s.must("stats", "-json"); !strings.Contains(text, `"kinds":{"sealed":{"records":2,`) {
		t.Errorf("stats without keys:\n%s", text)
	}

	other := bytes.Repeat([]byte("o"), 32)
	s.env[sealsEnv] = base64.StdEncoding.EncodeToString(other) + ", " + base64.StdEncoding.EncodeToString(key)
	if got := s.listed(); !same(got, []string{ada.publicID()}) {
		t.Errorf("list with keys: %q", got)
	}
	if text := s.must("show", ada.publicID()); !strings.Contains(text, "session (sealed)") || !strings.Contains(text, `"rope": 2`) {
		t.Errorf("show with keys:\n%s", text)
	}
	s.must("revoke", "-user", "ada", "-yes")
	for rec, err := range inner.List(t.Context(), "") {
		if err != nil || rec.Format != sealed.Format {
			t.Errorf("the tool has saved %q in the clear, %v", rec.Format, err)
		}
	}
	if text := s.must("stats", "-json"); !strings.Contains(text, `"tombstone":{"records":1,`) {
		t.Errorf("stats after revoke:\n%s", text)
	}
}

func TestSealKeysAreNotQuoted(t *testing.T) {
	s := newMemorySite(t)
	for _, keys := range []string{"secret!", "c2VjcmV0", ","} {
		s.env[sealsEnv] = keys
		r := s.run("list")
		if r.code != 1 || strings.Contains(r.errOut, "secret") || strings.Contains(r.errOut, "c2VjcmV0") {
			t.Errorf("exit code %d: %s", r.code, r.errOut)
		}
	}
}

func TestOtherRecords(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{})
	m, err := session.New(s.store, session.Config{}) // with keys in the store
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	ada := s.signIn("ada")
	if err := s.store.Save(t.Context(), &provider.Record{ID: "foreign", Version: 1, Data: []byte("hello")}, 0); err != nil {
		t.Fatal(err)
	}

	r := s.run("list", "-json")
	if r.code != 0 || strings.Count(r.out, "\n") != 1 || r.errOut != "holdfast: passed over 1 record that could not be read\n" {
		t.Errorf("list: exit code %d\n%s%s", r.code, r.out, r.errOut)
	}
	if text := s.must("show", "foreign"); !strings.Contains(text, "unreadable: ") || strings.Contains(text, "hello") {
		t.Errorf("show of another program's:\n%s", text)
	}
	others := s.others()
	if len(others) != 2 {
		t.Errorf("the store has an owner index and a key ring: %v", others)
	}
	for publicID, kind := range others {
		rec, err := s.store.Fetch(t.Context(), publicID)
		if err != nil {
			t.Fatal(err)
		}
		text, asJSON := s.must("show", publicID), s.must("show", "-json", publicID)
		switch kind {
		case session.KindOwnerIndex:
			if !strings.Contains(text, ada.publicID()) || !strings.Contains(asJSON, `"sessions":["`+ada.publicID()+`"]`) {
				t.Errorf("show of an owner index:\n%s%s", text, asJSON)
			}
		case session.KindKeyring:
			secret := rec.Data[len(rec.Data)-32:]
			for _, secret := range []string{string(secret), base64.StdEncoding.EncodeToString(secret)[:20], hex.EncodeToString(secret)} {
				if strings.Contains(text+asJSON, secret) {
					t.Errorf("show of the key ring:\n%s%s", text, asJSON)
				}
			}
		}
	}
}

// Of a store that fails in the middle nothing is claimed to be the whole.
// In the middle of a move a session is in one of the stores, and the other says so.
func TestMarkersOfAMove(t *testing.T) {
	s := newSite(t, memory.New(), session.Config{})
	publicID := s.signIn("ada").publicID()
	move, err := migrate.New(s.store, memory.New(), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := move.MoveAll(t.Context(), migrate.MoveOptions{}); err != nil {
		t.Fatal(err)
	}
	r := s.run("list", "-json")
	if r.code != 0 || r.out != "" || !strings.Contains(r.errOut, "passed over 2 markers of a move to another store, which has these sessions") {
		t.Errorf("list: exit code %d\n%s%s", r.code, r.out, r.errOut)
	}
	if text := s.must("show", publicID); !strings.Contains(text, "marker: ") {
		t.Errorf("show:\n%s", text)
	}
	if text := s.must("stats"); !strings.Contains(text, "marker") {
		t.Errorf("stats:\n%s", text)
	}
}

func TestAStoreThatFails(t *testing.T) {
	s := newMemorySite(t)
	s.signIn("ada")
	s.store = failing{s.store.(*memory.Provider)}
	if r := s.run("stats"); r.code != 1 || r.out != "" || r.errOut != "holdfast: broken\n" {
		t.Errorf("stats: %+v", r)
	}
	if r := s.run("list"); r.code != 1 || r.errOut != "holdfast: broken\n" {
		t.Errorf("list: %+v", r)
	}
}

var errBroken = errors.New("broken")

// A user whose only session was sealed by a key that the tool lacks has one all the
// same.
func TestSealedByAKeyThatIsMissing(t *testing.T) {
	old, current := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("c"), 32)
	inner := memory.New()
	for _, keys := range [][][]byte{{old}, {current, old}} {
		store, err := sealed.New(inner, keys)
		if err != nil {
			t.Fatal(err)
		}
		s := newSite(t, store, session.Config{})
		s.store = inner
		gone := s.signIn("ada") // the second seals the owner index anew
		if len(keys) == 1 {
			continue
		}
		s.env[sealsEnv] = base64.StdEncoding.EncodeToString(current)
		s.run("revoke", gone.publicID())
		s.fails(1, "may go on", "revoke", "-yes", "-user", "ada")
	}
}
