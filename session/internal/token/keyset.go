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

// token returns the token and the index in a cookie's value, or nil if none of the keys has
// signed it.
func (k *keySet) token(name, value string) (token []byte, index uint64) {
	return parsePayload(k.payload(name, value))
}

// payload returns the bytes in a value that one of the keys has signed under that name, or
// nil.
func (k *keySet) payload(name, value string) []byte {
	for _, codec := range k.codecs {
		var payload []byte
		if codec.Decode(name, value, &payload) == nil {
			return payload
		}
	}
	return nil
}

// verifiedCache remembers cookies with a valid signature. To check a signature again takes
// longer than the rest of a request that reads its session from memory. A forged cookie is
// never stored.
//
// Each cookie has one set, by its hash. In a full set, the hash chooses which one it replaces.
// So of 50,000 visitors all but a few are found, in 13 MB. At most, the cache takes 35 MB.
type verifiedCache struct {
	seed   maphash.Seed
	blocks [256]atomic.Pointer[block] // allocated on first use
}

type (
	block [128]set
	set   [4]atomic.Pointer[verifiedCookie]
)

// verifiedCookie is a cookie that is remembered, in one piece, so that a visitor who is one
// of many costs the processor few waits for memory.
type verifiedCookie struct {
	hash   uint64
	value  [MaxValueLength]byte
	length uint8 // of the value
	token  [size]byte
	index  uint64
	id     string
}

// is reports whether c has that value.
func (c *verifiedCookie) is(value string) bool {
	return int(c.length) == len(value) && subtle.ConstantTimeCompare(c.value[:c.length], []byte(value)) == 1
}

// set returns the set of cookies with that hash, or nil if its block is not allocated.
func (v *verifiedCache) set(hash uint64, allocate bool) *set {
	at := &v.blocks[hash%uint64(len(v.blocks))]
	b := at.Load()
	if b == nil {
		if !allocate {
			return nil
		}
		at.CompareAndSwap(nil, new(block))
		b = at.Load()
	}
	return &b[hash/uint64(len(v.blocks))%uint64(len(b))]
}

// isRemembered reports whether a value is as long as those that are remembered.
func isRemembered(value string) bool {
	return len(value) == ValueLength || len(value) == MaxValueLength
}

// find returns the identity of the cookie with that value, if it is remembered. It compares
// in constant time, so that the time does not show how much of a guess is right; the hash
// shows nothing, because its seed is secret.
func (v *verifiedCache) find(value string) Identity {
	if !isRemembered(value) {
		return Identity{}
	}
	hash := maphash.String(v.seed, value)
	set := v.set(hash, false)
	if set == nil {
		return Identity{}
	}
	for i := range set {
		c := set[i].Load()
		if c != nil && c.hash == hash && c.is(value) {
			return Identity{Token: c.token[:], Index: c.index, ID: c.id, Value: value}
		}
	}
	return Identity{}
}

// add remembers a cookie whose signature is valid, unless it was signed in 2001 or before.
func (v *verifiedCache) add(who Identity) {
	if !isRemembered(who.Value) {
		return
	}
	c := &verifiedCookie{hash: maphash.String(v.seed, who.Value), length: uint8(len(who.Value)), index: who.Index, id: who.ID}
	copy(c.value[:], who.Value)
	copy(c.token[:], who.Token)
	hash := c.hash
	set := v.set(hash, true)
	at := hash >> 32 % uint64(len(set))
	for i := range set {
		if set[i].Load() == nil {
			at = uint64(i)
			break
		}
	}
	set[at].Store(c)
}
