package token_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

func TestSignedTokenIsVerified(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		signer *token.Signer
	}{
		{"by a fixed key", newSigner(nil, key(1))},
		{"by one of several", newSigner(nil, key(1), key(2))},
		{"by the ring", newSigner(newRing(memory.New()))},
		{"by a fixed key beside the ring", newSigner(newRing(memory.New()), key(1))},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			tok, _ := tc.signer.NewSession()
			value := mustSign(t, tc.signer, tok)
			if len(value) != token.ValueLength {
				t.Errorf("%d bytes, want %d", len(value), token.ValueLength)
			}
			wantTokens(t, tc.signer, []string{value}, tok)
			wantTokens(t, tc.signer, []string{value}, tok) // from the cache
		})
	}
}

func TestFirstKeySignsAndAllVerify(t *testing.T) {
	tok := token.New()
	value := mustSign(t, newSigner(nil, key(1), key(2)), tok)
	wantTokens(t, newSigner(nil, key(1)), []string{value}, tok)
	wantTokens(t, newSigner(nil, key(2), key(1)), []string{value}, tok)
	wantTokens(t, newSigner(nil, key(2)), []string{value})
}

// KeyRing of package session has two steps between the fixed keys and the ring. In both,
// every instance verifies what the others sign.
func TestStepsBetweenFixedKeysAndRing(t *testing.T) {
	store := memory.New()
	options := func(keys, ring, signs bool) *token.Signer {
		o := token.Options{CookieName: cookie, Namespace: namespace, RingSigns: signs}
		if keys {
			o.Keys = [][]byte{key(1)}
		}
		if ring {
			o.Ring = newRing(store)
		}
		return token.NewSigner(o)
	}
	steps := []*token.Signer{
		options(true, false, false),
		options(true, true, false),
		options(true, true, true),
		options(false, true, true),
	}
	for at, signer := range steps {
		tok := token.New()
		value := mustSign(t, signer, tok)
		for _, other := range steps[max(at-1, 0):min(at+2, len(steps))] {
			wantTokens(t, other, []string{value}, tok)
		}
	}
	value := mustSign(t, steps[1], token.New())
	wantTokens(t, steps[3], []string{value})
	value = mustSign(t, steps[2], token.New())
	wantTokens(t, steps[0], []string{value})
}

func TestRingThatFails(t *testing.T) {
	fixed := newSigner(nil, key(1))
	tok := token.New()
	value, unknown := mustSign(t, fixed, tok), mustSign(t, newSigner(nil, key(2)), token.New())

	t.Run("signs nothing", func(t *testing.T) {
		s := newSigner(newRing(down(memory.New())))
		if _, err := s.Sign(t.Context(), tok, 0); !errors.Is(err, errDown) {
			t.Errorf("Sign: %v", err)
		}
	})
	t.Run("does not matter while fixed keys sign", func(t *testing.T) {
		s := newSigner(newRing(down(memory.New())), key(1))
		wantTokens(t, fixed, []string{mustSign(t, s, tok)}, tok)
	})
	t.Run("is made while fixed keys sign", func(t *testing.T) {
		store := memory.New()
		mustSign(t, newSigner(newRing(store), key(1)), tok)
		if store.Len() != 1 {
			t.Errorf("%d records, want that of the ring", store.Len())
		}
	})
	t.Run("is not asked about a value of a fixed key", func(t *testing.T) {
		store := down(memory.New())
		wantTokens(t, newSigner(newRing(store), key(1)), []string{value}, tok)
		if n := store.Trips(); n != 0 {
			t.Errorf("%d storage trips", n)
		}
	})
	t.Run("does not matter where a fixed key has signed one of the values", func(t *testing.T) {
		s := newSigner(newRing(down(memory.New())), key(1))
		wantTokens(t, s, []string{unknown, value}, tok)
	})
	t.Run("fails a value that it may have signed", func(t *testing.T) {
		s := newSigner(newRing(down(memory.New())), key(1))
		found, err := s.Verify(t.Context(), []string{unknown}, nil)
		if !errors.Is(err, errDown) || found != nil {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

func TestRingThatIsNotThereVerifiesNothing(t *testing.T) {
	value := mustSign(t, newSigner(nil, key(1)), token.New())
	wantTokens(t, newSigner(newRing(memory.New())), []string{value})
}

func TestKeyOfAnotherInstanceIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		late, first := newSigner(newRing(store)), newSigner(newRing(store))
		wantTokens(t, late, []string{strings.Repeat("x", token.ValueLength)}) // late knows that there is no ring
		tok := token.New()
		value := mustSign(t, first, tok)
		wantTokens(t, late, []string{value})
		elapse(keyring.Backoff)
		wantTokens(t, late, []string{value}, tok)
	})
}

// A store that has lost the ring gets another one from an instance that was just started.
func TestValueOfAnUnknownKeyRefreshesTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		s := newSigner(newRing(store))
		mustSign(t, s, token.New())
		if err := store.Delete(t.Context(), "ring"); err != nil {
			t.Fatal(err)
		}
		tok := token.New()
		value := mustSign(t, newSigner(newRing(store)), tok)
		wantTokens(t, s, []string{value})
		elapse(keyring.Backoff)
		wantTokens(t, s, []string{value}, tok)
	})
}

func TestRotatedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(newRing(memory.New()))
		tok := token.New()
		old := mustSign(t, s, tok)
		elapse(rotation)
		mustSign(t, s, tok) // which publishes the next key
		elapse(keyring.Lead)
		second := mustSign(t, s, tok)
		wantTokens(t, s, []string{second}, tok)
		wantTokens(t, s, []string{old}, tok)

		t.Log("the first key is pruned, and with it goes what the cache knows")
		elapse(rotation)
		mustSign(t, s, tok)
		elapse(keyring.Lead)
		wantTokens(t, s, []string{old})
		wantTokens(t, s, []string{second}, tok)
	})
}

func TestNewKeySignsOnceEveryInstanceKnowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		s, other := newSigner(newRing(store)), newSigner(newRing(store))
		tok := token.New()
		old := mustSign(t, s, tok)
		elapse(rotation - keyring.Lead - time.Second)
		wantTokens(t, other, []string{old}, tok) // other reads the ring
		elapse(time.Second)
		wantTokens(t, other, []string{mustSign(t, s, tok)}, tok) // s adds a key
	})
}

// sign returns a value that is signed by key(1), with all that a Signer leaves fixed.
func sign(t *testing.T, name string, tok []byte) string {
	t.Helper()
	codec := securecookie.New(key(1), nil)
	codec.SetSerializer(securecookie.NopEncoder{})
	value, err := codec.Encode(name, tok)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestForgedValueIsNotVerified(t *testing.T) {
	tok := token.New()
	value := sign(t, cookie, tok)
	wantTokens(t, newSigner(nil, key(1)), []string{value}, tok)
	for _, tc := range []struct {
		rule, value string
	}{
		{"empty", ""},
		{"one byte short", value[1:]},
		{"one byte more", value + "A"},
		{"of four bytes less", value[:len(value)-4]},
		{"no base64", strings.Repeat("!", token.ValueLength)},
		{"all zeros", strings.Repeat("A", token.ValueLength)},
		{"signed for another cookie", sign(t, "sessiom", tok)},
		{"signed by another key", mustSign(t, newSigner(nil, key(2)), tok)},
		{"a token of 31 bytes", sign(t, cookie, tok[:31])},
		{"a token of 33 bytes", sign(t, cookie, append(tok[:32:32], 0))},
		{"a token of no bytes", sign(t, cookie, nil)},
		{"a token with an index that is cut", sign(t, cookie, append(tok[:32:32], 0, 0, 0, 0, 0, 0, 1))},
		{"a token with more than an index", sign(t, cookie, append(tok[:32:32], 0, 0, 0, 0, 0, 0, 0, 1, 0))},
		{"a token with index 0, which is none", sign(t, cookie, append(tok[:32:32], 0, 0, 0, 0, 0, 0, 0, 0))},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			wantTokens(t, newSigner(nil, key(1)), []string{tc.value})
		})
	}
	t.Run("of any other byte", func(t *testing.T) {
		s := newSigner(nil, key(1))
		wantTokens(t, s, []string{value}, tok)
		for _, value := range []string{value, mustSignIndex(t, s, tok, 7)} {
			for i := range value {
				forged := []byte(value)
				forged[i] ^= 1
				wantTokens(t, s, []string{string(forged)})
			}
		}
	})
}

// In a bubble it is the year 2000, when the number of seconds had nine digits.
func TestValueOfAnOldClockIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(nil, key(1))
		tok := token.New()
		value := mustSign(t, s, tok)
		if len(value) >= token.ValueLength {
			t.Fatalf("%d bytes", len(value))
		}
		wantTokens(t, s, []string{value}, tok)
	})
}

func TestSignatureDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(nil, key(1))
		tok := token.New()
		value := mustSign(t, s, tok)
		elapse(50 * 365 * 24 * time.Hour)
		wantTokens(t, s, []string{value}, tok)
	})
}

func TestEachTokenIsFoundOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(nil, key(1), key(2))
		first, second := token.New(), token.New()
		var values []string
		for _, tok := range [][]byte{first, second, first} {
			values = append(values, mustSign(t, s, tok))
			elapse(time.Second)
		}
		if values[0] == values[2] {
			t.Fatal("the time is not in the value")
		}
		values = append(values, mustSign(t, newSigner(nil, key(2)), first), values[0])
		wantTokens(t, s, values, first, second)
	})
}

func TestTokenOfBothKindsOfKeysIsFoundOnce(t *testing.T) {
	ring := newRing(memory.New())
	tok, other := token.New(), token.New()
	byRing := newSigner(ring)
	values := []string{mustSign(t, byRing, tok), mustSign(t, newSigner(nil, key(1)), tok), mustSign(t, byRing, other)}
	wantTokens(t, newSigner(ring, key(1)), values, tok, other)
}

// Some of these values share a set of the cache.
func TestCacheDoesNotAcceptAnotherValue(t *testing.T) {
	s := newSigner(nil, key(1))
	tokens, values := make([][]byte, 10_000), make([]string, 10_000)
	for i := range tokens {
		tokens[i] = token.New()
		values[i] = mustSign(t, s, tokens[i])
	}
	for range 2 {
		for i, value := range values {
			if got := verified(t, s, value); len(got) != 1 || !bytes.Equal(got[0], tokens[i]) {
				t.Fatalf("value %d has the token of another", i)
			}
		}
	}
	for i, value := range values {
		forged := fmt.Sprintf("%s%c%s", value[:50], value[50]^1, value[51:])
		if got := verified(t, s, forged); got != nil {
			t.Fatalf("value %d is verified where a byte of it has changed", i)
		}
	}
}

func TestIndexIsSignedWithTheToken(t *testing.T) {
	s, tok, other := newSigner(nil, key(1)), token.New(), token.New()
	for _, index := range []uint64{0, 1, 1 << 40, 1<<64 - 1} {
		value := mustSignIndex(t, s, tok, index)
		want := token.ValueLength
		if index > 0 {
			want = token.MaxValueLength
		}
		if len(value) != want {
			t.Errorf("index %d: %d bytes, want %d", index, len(value), want)
		}
		for range 2 { // the second time from the cache
			wantIndexes(t, s, []string{value}, index)
		}
	}
	low, high := mustSignIndex(t, s, tok, 3), mustSignIndex(t, s, tok, 5)
	t.Log("of several cookies with the same token, the highest index counts")
	wantIndexes(t, s, []string{low, high, low, mustSign(t, s, tok)}, 5)
	wantIndexes(t, s, []string{mustSign(t, s, tok), mustSignIndex(t, s, other, 4), low}, 3, 4)
	found, _ := s.Verify(t.Context(), []string{low, high}, nil)
	if found[0].Value != high {
		t.Error("it is the value of another index")
	}
}

// In a bubble it is the year 2000: the values are shorter, and are not in the cache.
func TestIndexOfAnOldClockIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(nil, key(1))
		wantIndexes(t, s, []string{mustSignIndex(t, s, token.New(), 9)}, 9)
	})
}

func mustSignIndex(t *testing.T, s *token.Signer, tok []byte, index uint64) string {
	t.Helper()
	value, err := s.Sign(t.Context(), tok, index)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// wantIndexes checks the indexes of the sessions that Verify finds in the values.
func wantIndexes(t *testing.T, s *token.Signer, values []string, want ...uint64) {
	t.Helper()
	found, err := s.Verify(t.Context(), values, nil)
	if err != nil || len(found) != len(want) {
		t.Fatalf("found %d, %v; want %d", len(found), err, len(want))
	}
	for i := range want {
		if found[i].Index != want[i] {
			t.Errorf("index %d, want %d", found[i].Index, want[i])
		}
	}
}
