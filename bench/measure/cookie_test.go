package measure_test

import (
	"testing"

	"github.com/gorilla/securecookie"
)

// BenchmarkCookie measures securecookie alone, set up as package session does.
func BenchmarkCookie(b *testing.B) {
	codec := securecookie.New(signingKey, nil)
	codec.SetSerializer(securecookie.NopEncoder{})
	codec.MaxAge(0)
	value, err := codec.Encode("session", make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var token []byte
		if err := codec.Decode("session", value, &token); err != nil {
			b.Fatal(err)
		}
	}
}
