package keyring_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// A ring as version 1 of the layout has it: whoever changes what these bytes
// mean locks every running instance out.
const twoKeys = "01" + "02" +
	"000001933d1dd000" + "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf" +
	"000001933d1dcfff" + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func TestRecordLayout(t *testing.T) {
	data := unhex(t, twoKeys)
	keys, err := keyring.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []keyring.Key{
		{Secret: unhex(t, twoKeys[20:84]), From: time.UnixMilli(0x1933d1dd000)},
		{Secret: unhex(t, twoKeys[100:]), From: time.UnixMilli(0x1933d1dcfff)},
	}
	if !slices.EqualFunc(keys, want, same) {
		t.Errorf("decoded: %v, want %v", keys, want)
	}
	if got := keyring.Encode(want); !bytes.Equal(got, data) {
		t.Errorf("encoded: %x, want %x", got, data)
	}
}

// What is refused just beyond, by TestDecodeRefuses, is taken at the bound.
func TestDecodeTakesWhatIsAtTheBounds(t *testing.T) {
	for bound, from := range map[string][]int64{
		"the first moment of 1970": {0},
		"two keys a moment apart":  {1, 0},
		"MaxKeys":                  descending(keyring.MaxKeys),
	} {
		var keys []keyring.Key
		for _, ms := range from {
			keys = append(keys, keyring.Key{Secret: make([]byte, 32), From: time.UnixMilli(ms)})
		}
		if got, err := keyring.Decode(keyring.Encode(keys)); err != nil || !slices.EqualFunc(got, keys, same) {
			t.Errorf("%s: %v", bound, err)
		}
	}
}

func descending(n int) (all []int64) {
	for i := range n {
		all = append(all, int64(n-i))
	}
	return all
}

func TestDecodedKeysAreTheirOwn(t *testing.T) {
	data := unhex(t, twoKeys)
	keys, err := keyring.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	_ = append(keys[0].Secret, "over the next key's date"...)
	if got := hex.EncodeToString(keyring.Encode(keys)); got != twoKeys {
		t.Errorf("keys changed with the bytes they came from: %s", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	header, newer, older := twoKeys[:4], twoKeys[4:84], twoKeys[84:]
	for _, c := range []struct{ name, data string }{
		{"nothing", ""},
		{"a layout alone", "01"},
		{"an older layout", "00" + twoKeys[2:]},
		{"a newer layout", "02" + twoKeys[2:]},
		{"a ring without keys", "0100"},
		{"more keys than a ring has", "0141" + strings.Repeat(newer, 65)},
		{"a count above what follows", "0103" + newer + older},
		{"a count below what follows", "0101" + newer + older},
		{"a trailing byte", twoKeys + "00"},
		{"a missing byte", twoKeys[:len(twoKeys)-2]},
		{"keys oldest first", header + older + newer},
		{"two keys of one date", header + newer + newer},
		{"a date before 1970", "0101" + "ffffffffffffffff" + newer[16:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if keys, err := keyring.Decode(unhex(t, c.data)); !errors.Is(err, keyring.ErrUnreadable) {
				t.Errorf("decoded: %v, %v; want ErrUnreadable", keys, err)
			}
		})
	}
}

func TestDecodeAllocatesNothingForWhatItRefusesBySize(t *testing.T) {
	data := make([]byte, 1<<20)
	data[0], data[1] = 1, keyring.MaxKeys
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		keyring.Decode(data)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got >= uint64(len(data)) {
		t.Errorf("100 refusals allocated %d bytes, want less than one copy", got)
	}
}

// FuzzDecode: whatever decodes is within its bounds, in order, and the only
// encoding of what it decodes to.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := keyring.Decode(data)
		if err != nil {
			if keys != nil || !errors.Is(err, keyring.ErrUnreadable) {
				t.Fatalf("%v, %v: want no keys and ErrUnreadable", keys, err)
			}
			return
		}
		if len(keys) == 0 || len(keys) > keyring.MaxKeys {
			t.Fatalf("%d keys", len(keys))
		}
		for i, k := range keys {
			if len(k.Secret) != 32 {
				t.Fatalf("key %d: secret of %d bytes", i, len(k.Secret))
			}
			if i > 0 && !k.From.Before(keys[i-1].From) {
				t.Fatalf("key %d is not older than the one before it", i)
			}
		}
		if again := keyring.Encode(keys); !bytes.Equal(again, data) {
			t.Fatalf("encoded again: %x, want %x", again, data)
		}
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
