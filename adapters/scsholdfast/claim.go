package scsholdfast

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// claimFormat is the Format of a claim's record.
const claimFormat = "scs import"

// claimValidity is how long a claim tells the token of the new session. Requests with the
// old cookie that were under way at the import have arrived by then.
const claimValidity = time.Minute

// claims are records that say which session an old one was imported to. There is at most
// one for each old token, because it is stored only where there is none.
//
// The content is encrypted with a key that is derived from the old token, and so is the
// record's ID, by a hash. So a reader of the store can neither find the claim of a token
// nor use the token in a claim.
type claims struct {
	store     provider.Provider
	namespace string
}

// claim stores that the old session was imported to the one of that successor, until the
// old deadline. If there is a claim already, it returns the successor in that one, or ""
// if its validity has passed.
func (c *claims) claim(ctx context.Context, token, successor string, deadline time.Time) (string, error) {
	rec := &provider.Record{
		ID: c.id(token), Version: randomVersion(), Format: claimFormat, ExpiresAt: deadline,
		Data: c.aead(token).Seal(nil, nil, append(binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli())), successor...), nil),
	}
	err := c.store.Save(ctx, rec, 0)
	if err != nil && !errors.Is(err, provider.ErrVersionConflict) {
		err = c.store.Save(ctx, rec, 0) // by its version, the store knows a claim that it has stored
	}
	switch {
	case err == nil:
		return successor, nil
	case errors.Is(err, provider.ErrVersionConflict):
		return c.find(ctx, token)
	default:
		return "", fmt.Errorf("%w: Import: %w", session.ErrUnavailable, err)
	}
}

// find returns the successor in the claim of an old token. It returns "" if there is no
// claim, or if its validity has passed.
func (c *claims) find(ctx context.Context, token string) (string, error) {
	rec, err := c.store.Fetch(ctx, c.id(token))
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("%w: Import: %w", session.ErrUnavailable, err)
	}
	content, err := c.aead(token).Open(nil, nil, rec.Data, nil)
	if err != nil || len(content) < 8 {
		return "", fmt.Errorf("%w: Import: the record of an import is damaged", session.ErrUnreadable)
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(content)))
	if time.Since(at) > claimValidity {
		return "", nil
	}
	return string(content[8:]), nil
}

func (c *claims) id(token string) string {
	sum := sha256.Sum256([]byte("scsholdfast import\x00" + c.namespace + "\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// aead returns the cipher for the claim of an old token, which is 32 random bytes.
func (c *claims) aead(token string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, []byte(token), nil, "scsholdfast import "+c.namespace, 32)
	if err != nil {
		panic(err) // only for a length that is not 32
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// randomVersion returns a version that no other Save has.
func randomVersion() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: it aborts the program instead
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
}
