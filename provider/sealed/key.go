package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
)

const (
	keySize  = 32
	nameSize = 8
	saltSize = 12
)

// keys are a provider's keys; the first one seals.
type keys []*key

func newKeys(secrets [][]byte) (keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("sealed: no keys")
	}
	var ks keys
	var errs []error
	for i, secret := range secrets {
		k, err := newKey(secret)
		if err == nil && ks.named(k.name[:]) != nil {
			err = errors.New("is there twice")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sealed: keys[%d] %w", i, err))
			continue
		}
		ks = append(ks, k)
	}
	return ks, errors.Join(errs...)
}

// named returns the key of that name, or nil.
func (ks keys) named(name []byte) *key {
	i := slices.IndexFunc(ks, func(k *key) bool { return bytes.Equal(k.name[:], name) })
	if i < 0 {
		return nil
	}
	return ks[i]
}

// key is a key of XAES-256-GCM and its name. Both are derived from the user's key, so
// that the name reveals nothing, and other uses of the user's key do no harm.
type key struct {
	name  [nameSize]byte
	block cipher.Block
	mask  [aes.BlockSize]byte // K1 of the specification
}

func newKey(secret []byte) (*key, error) {
	if len(secret) != keySize {
		return nil, fmt.Errorf("has %d bytes; take 32 from crypto/rand, and decode them if they are kept as text", len(secret))
	}
	derived, err := hkdf.Key(sha256.New, secret, nil, "github.com/holdfast-go/holdfast/provider/sealed 1", keySize+nameSize)
	if err != nil {
		return nil, err
	}
	return newXAES(derived[:keySize], derived[keySize:])
}

func newXAES(secret, name []byte) (*key, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	k := &key{name: [nameSize]byte(name), block: block}
	block.Encrypt(k.mask[:], k.mask[:])
	double(&k.mask)
	return k, nil
}

// double multiplies by x in GF(2^128), as NIST SP 800-38B specifies for the subkeys of
// CMAC.
func double(b *[aes.BlockSize]byte) {
	msb := b[0] >> 7
	for i := range len(b) - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[len(b)-1] = b[len(b)-1]<<1 ^ msb*0x87
}

// subkey returns the AES-256-GCM key for salt, which is the first half of the
// XAES-256-GCM nonce.
func (k *key) subkey(salt []byte) []byte {
	sub := make([]byte, keySize)
	for i, half := range [][]byte{sub[:aes.BlockSize], sub[aes.BlockSize:]} {
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], salt)
		subtle.XORBytes(half, half, k.mask[:])
		k.block.Encrypt(half, half)
	}
	return sub
}

// aead returns the AEAD that seals and opens with salt. It handles the second half of the
// nonce itself.
func (k *key) aead(salt []byte) cipher.AEAD {
	block, _ := aes.NewCipher(k.subkey(salt))      // fails for other sizes only
	aead, _ := cipher.NewGCMWithRandomNonce(block) // fails for other ciphers only
	return aead
}
