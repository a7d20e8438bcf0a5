// Package dbsctest has a device and a browser for tests of Device Bound Session Credentials
// (W3C working draft of 17 February 2026). The tests of verify/e2e show that Chromium does
// the same.
package dbsctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Device has a key that signs proofs.
type Device struct {
	key       crypto.Signer
	algorithm jose.SignatureAlgorithm
}

// NewDevice returns a device with a key of P-256.
func NewDevice() *Device {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &Device{key, jose.ES256}
}

// NewRSADevice returns a device with an RSA key of that many bits.
func NewRSADevice(bits int) *Device {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return &Device{key, jose.RS256}
}

// Register returns the proof of a registration.
func (d *Device) Register(challenge string) string {
	return d.Sign("dbsc+jwt", true, map[string]any{"jti": challenge})
}

// Prove returns the proof of a refresh.
func (d *Device) Prove(challenge string) string {
	return d.Sign("dbsc+jwt", false, map[string]any{"jti": challenge})
}

// Sign returns a JWT of that type with these claims, and with the public key or without it.
func (d *Device) Sign(typ string, withKey bool, claims map[string]any) string {
	options := (&jose.SignerOptions{EmbedJWK: withKey}).WithType(jose.ContentType(typ))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: d.algorithm, Key: d.key}, options)
	if err != nil {
		panic(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return token
}
