package envelope_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

var aBinding = envelope.Binding{
	Bound: true, Registered: begin, Proven: begin.Add(time.Minute), Until: begin.Add(time.Hour),
	Algorithm: 1, Key: "key", Secret: [envelope.SecretSize]byte{1, 2, 3}, Proofs: 300, Seen: 299,
	Earlier: [envelope.MaxEarlierTokens]envelope.TokenLife{{Number: 299, Until: begin.Add(time.Second)}, {Number: 7, Until: begin}},
	BoundAs: "id",
}

func bound(s sample, b envelope.Binding) sample {
	s.Fields = s.Fields.WithBinding(b)
	return s
}

func TestBinding(t *testing.T) {
	pending := envelope.Binding{Pending: true, Until: begin}
	first := aBinding
	first.Proofs, first.Seen, first.BoundAs = 0, 0, ""
	first.Earlier = [envelope.MaxEarlierTokens]envelope.TokenLife{}
	for _, want := range []envelope.Binding{{}, pending, first, aBinding} {
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
	value := func(b envelope.Binding) string { return string(envelope.Fields("").WithBinding(b))[2:] }
	good := value(aBinding)
	alter := func(change func(*envelope.Binding)) string {
		b := aBinding
		change(&b)
		return value(b)
	}
	for name, value := range map[string]string{
		"cut":             good[:len(good)-1],
		"a byte more":     good + "\x00",
		"another state":   "\x03" + good[1:],
		"a pending, more": "\x01\x05\x05",
		"an endless time": "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f",

		"a token was seen that does not exist":    alter(func(b *envelope.Binding) { b.Seen = b.Proofs + 2 }),
		"an earlier token is the newest":          alter(func(b *envelope.Binding) { b.Earlier[0].Number = b.Proofs }),
		"earlier tokens in another order":         alter(func(b *envelope.Binding) { b.Earlier[1].Number = b.Earlier[0].Number }),
		"an earlier token without an end":         alter(func(b *envelope.Binding) { b.Earlier[1].Until = 0 }),
		"an earlier token more than there may be": strings.Replace(good, "\xab\x02\x02\xab\x02", "\xab\x02\x04\xab\x02", 1),
	} {
		s := live("k")
		s.Fields = envelope.Fields(string(byte(field)) + string(byte(len(value))) + value)
		_, data := s.encode()
		if _, err := envelope.Decode(id, data); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
