package envelope_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

var aBinding = envelope.Binding{
	Bound: true, Registered: begin, Proven: begin.Add(time.Minute), Until: begin.Add(time.Hour),
	Algorithm: 1, Key: "key", Secret: [envelope.SecretSize]byte{1, 2, 3}, Proofs: 300,
}

func bound(s sample, b envelope.Binding) sample {
	s.Fields = s.Fields.WithBinding(b)
	return s
}

func TestBinding(t *testing.T) {
	pending := envelope.Binding{Pending: true, Until: begin}
	for _, want := range []envelope.Binding{{}, pending, aBinding} {
		f := envelope.Fields("").WithBinding(want)
		if got := f.Binding(); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if f.WithBinding(aBinding).Binding() != aBinding || f.WithBinding(envelope.Binding{}) != "" {
			t.Error("a binding was not replaced")
		}
	}
}

// One state has one encoding.
func TestMalformedBinding(t *testing.T) {
	const field = 2
	good := string(envelope.Fields("").WithBinding(aBinding))[2:]
	for name, value := range map[string]string{
		"cut":             good[:len(good)-1],
		"a byte more":     good + "\x00",
		"another state":   "\x03" + good[1:],
		"a pending, more": "\x01\x05\x05",
		"an endless time": "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		s := live("k")
		s.Fields = envelope.Fields(string(byte(field)) + string(byte(len(value))) + value)
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
