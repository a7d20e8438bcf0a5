package token

import (
	"crypto/subtle"
	"hash/maphash"
	"sync/atomic"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// keySet holds the signing keys in use.
type keySet struct {
	snapshot *keyring.Snapshot // of the ring; nil: Config.SigningKeys
	codecs   []*securecookie.SecureCookie
	verified verifiedCache
}

func newKeySet(snapshot *keyring.Snapshot, keys [][]byte) *keySet {
	set := &keySet{snapshot: snapshot, verified: verifiedCache{seed: maphash.MakeSeed()}}
	for _, key := range keys {
		set.codecs = append(set.codecs, newCodec(key))
	}
	return set
}

// newCodec returns the codec of one key. Tokens are random bytes, which need no
// serialization such as securecookie's default gob. Expiry follows the rules of the
// session, not the age of the signature.
func newCodec(key []byte) *securecookie.SecureCookie {
	codec := securecookie.New(key, nil)
	codec.SetSerializer(securecookie.NopEncoder{})
	codec.MaxAge(0)
	codec.MaxLength(4096) // of a cookie; RFC 6265bis, section 5.6
	return codec
}

// token returns the token in a cookie's value, or nil if none of the keys has signed it.
func (k *keySet) token(name, value string) []byte {
	for _, codec := range k.codecs {
		var token []byte
		if codec.Decode(name, value, &token) == nil && len(token) == size {
			return token
		}
	}
	return nil
}

// verifiedCache remembers cookies with a valid signature, each in the one slot of its
// hash. Checking a signature again costs a third of a request that reads its session from
// memory. A forged cookie is never stored.
type verifiedCache struct {
	seed  maphash.Seed
	slots [4096]atomic.Pointer[verifiedCookie] // up to 1 MB
}

type verifiedCookie struct{ Identity } // its Token is never written to

func (v *verifiedCache) slot(value string) *atomic.Pointer[verifiedCookie] {
	return &v.slots[maphash.String(v.seed, value)%uint64(len(v.slots))]
}

// of returns the identity if c is the cookie of that value. The comparison takes constant
// time, so it does not show how much of a guess is right.
func (c *verifiedCookie) of(value string) Identity {
	if c == nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(value)) == 0 {
		return Identity{}
	}
	return c.Identity
}
