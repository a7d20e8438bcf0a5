package envelope_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

func TestTimes(t *testing.T) {
	at := envelope.Time(1700000000123)
	for name, want := range map[string]envelope.Times{
		"none":          {},
		"authenticated": {Authenticated: at},
		"limits":        {Idle: time.Minute, Lifetime: time.Hour},
		"all":           {at, 300 * time.Millisecond, 400 * 24 * time.Hour},
	} {
		s := live("k")
		s.Fields = ofANewerVersion.WithTimes(want)
		_, data := s.encode()
		e, err := envelope.Decode(id, data)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := e.Fields.Times(); got != want {
			t.Errorf("%s: %+v; want %+v", name, got, want)
		}
		if got := e.Fields.WithTimes(envelope.Times{}); got != ofANewerVersion {
			t.Errorf("%s: other fields have changed: %q", name, got)
		}
	}
}

func TestTimesRoundUp(t *testing.T) {
	got := envelope.Fields("").WithTimes(envelope.Times{Idle: 1, Lifetime: math.MaxInt64}).Times()
	if got.Idle != time.Millisecond || got.Lifetime != time.Duration(math.MaxInt64).Truncate(time.Millisecond) {
		t.Errorf("%+v", got)
	}
}

func TestMalformedTimes(t *testing.T) {
	for name, value := range map[string]string{
		"of nothing":              "\x00\x00\x00",
		"cut":                     "\x01\x00",
		"cut in a number":         "\x01\x00\x80",
		"more":                    "\x01\x00\x00\x00",
		"a number in two ways":    "\x01\x81\x00\x00",
		"over 64 bits":            "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"more than a duration":    "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"a number without an end": "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
	} {
		s := live("k")
		s.Fields = envelope.Fields("\x04" + string(rune(len(value))) + value)
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimesAreReadWithoutAllocation(t *testing.T) {
	f := ofANewerVersion.WithTimes(envelope.Times{Authenticated: envelope.Time(1700000000123), Idle: time.Minute})
	if n := testing.AllocsPerRun(100, func() { f.Times() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
