package envelope_test

import (
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

func TestRotation(t *testing.T) {
	at := envelope.Time(1700000000123)
	n := uint64(at)
	for name, want := range map[string]envelope.Rotation{
		"none":                      {},
		"the first index":           {Issued: n, PendingSince: at},
		"confirmed":                 {Confirmed: n, ConfirmedAt: at + 1, Issued: n},
		"confirmed below another":   {Confirmed: n, ConfirmedAt: at + 1, Issued: n + 5},
		"pending after a confirmed": {Confirmed: n, Issued: n + 9, PendingSince: at + 9, Replaced: n + 5},
	} {
		s := live("k")
		s.Fields = ofANewerVersion.WithRotation(want)
		_, data := s.encode()
		e, err := envelope.Decode(id, data)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := e.Fields.Rotation(); got != want {
			t.Errorf("%s: %+v; want %+v", name, got, want)
		}
		if got := e.Fields.WithRotation(envelope.Rotation{}); got != ofANewerVersion {
			t.Errorf("%s: other fields have changed: %q", name, got)
		}
	}
}

func TestMalformedRotation(t *testing.T) {
	for name, value := range map[string]string{
		"cut":                            "\x01\x01\x01\x00",
		"more":                           "\x01\x01\x01\x00\x00\x00",
		"a number in two ways":           "\x01\x01\x81\x00\x00\x00",
		"a number above all times":       "\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00",
		"nothing issued":                 "\x00\x01\x00\x00\x00",
		"confirmed and pending":          "\x01\x01\x02\x01\x01",
		"neither confirmed nor pending":  "\x01\x00\x02\x00\x00",
		"index 0 is confirmed again":     "\x00\x01\x01\x00\x00",
		"confirmed, but not issued":      "\x02\x01\x01\x00\x00",
		"replaced, but none pending":     "\x01\x01\x02\x00\x01",
		"pending, but none issued since": "\x01\x00\x02\x01\x02",
		"replaced one below the present": "\x02\x00\x03\x01\x01",
	} {
		s := live("k")
		s.Fields = envelope.Fields("\x06" + string(rune(len(value))) + value)
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRotationIsReadWithoutAllocation(t *testing.T) {
	f := ofANewerVersion.WithRotation(envelope.Rotation{Issued: 1700000000123, PendingSince: 1700000000123})
	if n := testing.AllocsPerRun(100, func() { f.Rotation() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
