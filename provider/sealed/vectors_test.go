package sealed_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha3"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/sealed"
)

// A record as version 1 of the layout has it: whoever changes what these bytes
// mean makes every record that is stored unreadable.
func TestLayout(t *testing.T) {
	const key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	const data = "01" + "3657b2258acbed32" + "543ca6f0d153c013b2a5ba60" + "7e8586d67eafdcd124549307" + "5b46afdfe89efdedb8ed75552e9c" + "7f26b7bb01c88b420d5a5676ec25a793"
	inner := memory.New()
	rec := &provider.Record{ID: "id", Version: 1<<32 | 7, ExpiresAt: time.UnixMilli(253402300799999), Format: "holdfast-sealed", Data: unhex(t, data)}
	save(t, inner, rec, 0)
	rec.Format, rec.Data = "cbor", []byte("some data")
	holds(t, seal(t, inner, unhex(t, key)), rec)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of https://c2sp.org/XAES-256-GCM.
func TestXAESVectors(t *testing.T) {
	for _, c := range []struct {
		name      string
		key       byte // 32 times
		aad, want string
	}{
		{"MSB(L) = 0", 1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{"MSB(L) = 1", 3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := bytes.Repeat([]byte{c.key}, 32)
			got := xaes(t, key, []byte("ABCDEFGHIJKLMNOPQRSTUVWX"), []byte("XAES-256-GCM"), []byte(c.aad))
			if hex.EncodeToString(got) != c.want {
				t.Errorf("got %x, want %s", got, c.want)
			}
		})
	}
}

func TestXAESAccumulated(t *testing.T) {
	const want = "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
	random, hash := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = random.Read(b)
		return b
	}
	for range 10_000 {
		key, nonce := read(32), read(24)
		text := read(int(read(1)[0]))
		aad := read(int(read(1)[0]))
		_, _ = hash.Write(xaes(t, key, nonce, text, aad))
	}
	got := make([]byte, 32)
	if _, err := io.ReadFull(hash, got); err != nil || hex.EncodeToString(got) != want {
		t.Errorf("got %x, %v, want %s", got, err, want)
	}
}

// xaes encrypts with a given nonce, which the package never does.
func xaes(t *testing.T, key, nonce, text, aad []byte) []byte {
	t.Helper()
	sub, err := sealed.Subkey(key, nonce)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead.Seal(nil, nonce[12:], text, aad)
}
