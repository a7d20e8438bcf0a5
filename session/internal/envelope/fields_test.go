package envelope_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// ofANewerVersion are the leases of two keys before two fields that no version has yet.
var ofANewerVersion = envelope.Fields("").WithLeases(envelope.Leases("").With(leaseOf("a")).With(leaseOf("b"))) + "\xfa\x03new" + "\xfb\x01x"

// Fields of a newer version are kept when another field changes.
func TestUnknownFieldsAreKept(t *testing.T) {
	s := live("k")
	s.Fields = ofANewerVersion
	_, data := s.encode()
	e, err := envelope.Decode(id, data)
	if err != nil {
		t.Fatal(err)
	}
	if e.Fields != ofANewerVersion {
		t.Errorf("decoded: %q; want %q", e.Fields, ofANewerVersion)
	}
	if got, want := e.Fields.WithLeases(""), envelope.Fields("\xfa\x03new"+"\xfb\x01x"); got != want {
		t.Errorf("without leases: %q; want %q", got, want)
	}
	if got := e.Fields.WithLeases("").WithLeases(e.Fields.Leases()); got != ofANewerVersion {
		t.Errorf("with the leases again: %q; want %q", got, ofANewerVersion)
	}
}

// One state has one encoding.
func TestMalformedFields(t *testing.T) {
	for name, fields := range map[string]string{
		"cut":                  string(ofANewerVersion[:len(ofANewerVersion)-1]),
		"twice the same":       "\xfa\x01a\xfa\x01b",
		"descending":           "\xfb\x01a\xfa\x01b",
		"number 0":             "\x00\x01a",
		"an empty value":       "\xfa\x00",
		"a number alone":       "\xfa",
		"a length in two ways": "\xfa\x81\x00a",
	} {
		s := live("k")
		s.Fields = envelope.Fields(fields)
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := live("k") // an entry of the empty name without fields, as no version writes it
	s.entries = append(s.entries, envelope.Edit{Name: ""})
	_, data := s.encode()
	if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("no fields: %v", err)
	}
}

// A version that does not know fields has read this record, changed a key, added another,
// and saved it. It keeps the fields.
func TestFieldsSurviveAnOlderVersion(t *testing.T) {
	const saved = "020038392d616e2d4944fbbcd9f29e34fb99b5f49e3400fbac8cc59f34030000000b000000090000000700040019011705746f6b656e" +
		"0102030405060708aba7dbf29e34b891020161000162036e657701630178"
	data, err := hex.DecodeString(saved)
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Decode(id, data)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := e.Fields.Leases().Find("token"); !ok || got != leaseOf("token") {
		t.Errorf("%+v, %t", got, ok)
	}
	if value, _ := e.Entries.Find("b"); string(value) != "new" || e.Entries.Len() != 3 {
		t.Errorf("%q, %d entries", value, e.Entries.Len())
	}
}
