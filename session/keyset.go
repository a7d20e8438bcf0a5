package session

import (
	"crypto/subtle"
	"hash/maphash"
	"sync/atomic"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// keyset is the signing keys at work.
type keyset struct {
	snapshot *keyring.Snapshot // of the ring; nil: Config.SigningKeys
	codecs   []*securecookie.SecureCookie
	proven   proven
}

func newKeyset(snapshot *keyring.Snapshot, keys [][]byte) *keyset {
	set := &keyset{snapshot: snapshot, proven: proven{seed: maphash.MakeSeed()}}
	for _, key := range keys {
		set.codecs = append(set.codecs, newCodec(key))
	}
	return set
}

// newCodec returns the codec of one key. The token is random bytes, which
// securecookie's default gob would only wrap, and the session's own expiry
// rules, not that of the signature.
func newCodec(key []byte) *securecookie.SecureCookie {
	codec := securecookie.New(key, nil)
	codec.SetSerializer(securecookie.NopEncoder{})
	codec.MaxAge(0)
	codec.MaxLength(maxCookieLength)
	return codec
}

// token returns the token that a cookie's value holds, or nil if none of the
// keys has signed it.
func (k *keyset) token(name, value string) []byte {
	for _, codec := range k.codecs {
		var token []byte
		if codec.Decode(name, value, &token) == nil && len(token) == tokenSize {
			return token
		}
	}
	return nil
}

// proven remembers cookies whose signature was good, each in the one slot that
// its hash leads to: to check one again costs a third of a request that reads
// its session from memory. A forged cookie never gets in.
type proven struct {
	seed  maphash.Seed
	slots [4096]atomic.Pointer[provenCookie] // up to 1 MB
}

type provenCookie struct {
	value string
	who   identity // its token is never written to
}

func (p *proven) slot(value string) *atomic.Pointer[provenCookie] {
	return &p.slots[maphash.String(p.seed, value)%uint64(len(p.slots))]
}

// identity returns whose cookie it is if this is its value. The time it takes tells
// nothing of how much of a guess is right.
func (c *provenCookie) identity(value string) identity {
	if c == nil || subtle.ConstantTimeCompare([]byte(c.value), []byte(value)) == 0 {
		return identity{}
	}
	return c.who
}
