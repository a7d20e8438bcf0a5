package keyring

import (
	"crypto/rand"
	"slices"
	"time"
)

const (
	secretSize = 32

	// maxSkew is how far the clocks of instances may be apart: as long a slow
	// one may go on signing with a key that has been succeeded.
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

// signing returns the index of the key that signs at now: the newest whose time
// has come. A clock that is behind all keys must not leave an instance without
// one; then it is the oldest, which is what the others know best.
func signing(keys []Key, now time.Time) int {
	i := slices.IndexFunc(keys, func(k Key) bool { return !k.From.After(now) })
	if i < 0 {
		return len(keys) - 1
	}
	return i
}

// ahead reports whether the ring is dated so far ahead of now that one of the
// two clocks is wrong: nothing is to be concluded from their difference.
func ahead(keys []Key, now time.Time) bool {
	return keys[0].From.After(now.Add(maxSkew))
}

// due reports whether a new key is due. It goes by the newest key's date alone:
// as soon as one instance has added a key, none has a reason to add another.
func (o *Options) due(keys []Key, now time.Time) bool {
	return !now.Before(keys[0].From.Add(o.Rotation - Lead))
}

// prune returns keys less those of which no cookie can be alive. It changes
// nothing in place.
func (o *Options) prune(keys []Key, now time.Time) []Key {
	i := slices.IndexFunc(keys, func(k Key) bool {
		return !k.From.Add(o.Retention + maxSkew).After(now)
	})
	if i < 0 {
		return keys
	}
	return keys[:i+1] // keys[i] has signed long enough for all before it to go
}
