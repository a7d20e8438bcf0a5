package envelope_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// leased returns s with a lease of each key.
func leased(s sample, keys ...string) sample {
	for _, key := range keys {
		s.Fields = s.Fields.WithLeases(s.Fields.Leases().With(leaseOf(key)))
	}
	return s
}

func leaseOf(key string) envelope.Lease {
	return envelope.Lease{Key: key, Holder: envelope.Holder{1, 2, 3, 4, 5, 6, 7, 8}, Until: begin.Add(30 * time.Second).Std(), Lasts: 35 * time.Second}
}

func TestLeases(t *testing.T) {
	var none envelope.Leases
	b, a, again := leaseOf("b"), leaseOf("a"), leaseOf("b")
	again.Holder[0]++
	both := none.With(b).With(a)
	if both != none.With(a).With(b) {
		t.Error("the encoding depends on the order")
	}
	for _, want := range []envelope.Lease{a, b} {
		if got, ok := both.Find(want.Key); !ok || got != want {
			t.Errorf("%q: %+v, %t", want.Key, got, ok)
		}
	}
	if got, _ := both.With(again).Find("b"); got != again {
		t.Errorf("%+v", got)
	}
	if _, ok := both.Without("b").Find("b"); ok || both.Without("b") != none.With(a) || both.Without("b").Without("a") != none {
		t.Error("a lease was not removed, or another one was")
	}
	if _, ok := none.Find("a"); ok || envelope.Fields("").WithLeases(none).Size() != 0 {
		t.Error("no leases are some")
	}
	without, with := live("k"), leased(live("k"), "a", "b")
	_, small := without.encode()
	_, large := with.encode()
	if got, want := with.Fields.Size(), len(large)-len(small); got != want {
		t.Errorf("Size %d; want %d", got, want)
	}
}

// One state has one encoding.
func TestMalformedLeases(t *testing.T) {
	good := string(envelope.Leases("").With(leaseOf("a")))
	for name, leases := range map[string]string{
		"cut":               good[:len(good)-1],
		"a byte more":       good + "\x00",
		"twice the same":    good + good,
		"of the empty key":  string(envelope.Leases("").With(leaseOf(""))),
		"descending":        string(envelope.Leases("").With(leaseOf("b"))) + good,
		"an endless time":   good[:10] + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01",
		"an endless length": good[:10] + "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	} {
		s := live("k")
		s.Fields = envelope.Fields("").WithLeases(envelope.Leases(leases))
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
