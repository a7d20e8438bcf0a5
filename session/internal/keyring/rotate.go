package keyring

import (
	"crypto/rand"
	"slices"
	"time"
)

const (
	secretSize = 32

	// maxSkew is the maximum difference between the clocks of instances. A slow instance may
	// sign with a superseded key for that long.
	maxSkew = time.Hour
)

// Key is one signing key.
type Key struct {
	Secret []byte    // 32 random bytes
	From   time.Time // when it begins to sign
}

func newKey(from time.Time) Key {
	k := Key{Secret: make([]byte, secretSize), From: from}
	rand.Read(k.Secret) // never fails
	return k
}

// signing returns the index of the key that signs at now: the newest whose From is not in
// the future. If the clock is behind all keys, it is the oldest key, which is the one
// most likely known to the other instances.
func signing(keys []Key, now time.Time) int {
	i := slices.IndexFunc(keys, func(k Key) bool { return !k.From.After(now) })
	if i < 0 {
		return len(keys) - 1
	}
	return i
}

// ahead reports whether the newest key is dated so far ahead of now that one of the two
// clocks must be wrong. Nothing can be concluded from their difference.
func ahead(keys []Key, now time.Time) bool {
	return keys[0].From.After(now.Add(maxSkew))
}

// due reports whether a new key is due. Only the date of the newest key counts: as soon
// as one instance has added a key, no other has a reason to add one.
func (o *Options) due(keys []Key, now time.Time) bool {
	return !now.Before(keys[0].From.Add(o.Rotation - Lead))
}

// prune returns keys without those whose cookies have all expired. It does not modify
// keys.
func (o *Options) prune(keys []Key, now time.Time) []Key {
	i := slices.IndexFunc(keys, func(k Key) bool {
		return !k.From.Add(o.Retention + maxSkew).After(now)
	})
	if i < 0 {
		return keys
	}
	return keys[:i+1] // keys[i] has signed long enough for all before it to go
}
