// Package dbsc reads and writes what browsers and servers exchange in Device Bound Session
// Credentials (W3C working draft of 17 February 2026): proofs, headers and session
// instructions. It keeps no state.
package dbsc

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	proofType = "dbsc+jwt"

	maxProof   = 8192 // bytes; the registration of a key of maxRSABits takes less than 2,000
	minRSABits = 2048 // NIST SP 800-131A
	maxRSABits = 4096 // to bound the time of a verification
)

// Algorithm is the signature algorithm of a key, as it is stored.
type Algorithm byte

// The algorithms that are accepted. A number is never used again.
const (
	ES256 Algorithm = 1 // ECDSA with P-256 and SHA-256
	RS256 Algorithm = 2 // RSASSA-PKCS1-v1_5 with SHA-256
)

// names are the algorithms by their names in JOSE.
var names = map[jose.SignatureAlgorithm]Algorithm{jose.ES256: ES256, jose.RS256: RS256}

// allowed are the algorithms in order of preference.
var allowed = []jose.SignatureAlgorithm{jose.ES256, jose.RS256}

// Key is the public key of a browser.
type Key struct {
	Algorithm Algorithm
	DER       string // as a SubjectPublicKeyInfo; RFC 5280, section 4.1
}

// ErrProof says that a proof is malformed, or is not signed by the key.
var ErrProof = errors.New("the proof is not valid")

// VerifyRegistration verifies the proof of a registration at the endpoint of that path. It
// returns the challenge that was signed, and the key that the proof contains and is signed
// by.
func VerifyRegistration(proof, path string) (challenge string, key Key, err error) {
	token, err := parse(proof)
	if err != nil {
		return "", Key{}, err
	}
	header := token.Headers[0]
	if header.JSONWebKey == nil || !header.JSONWebKey.IsPublic() || !header.JSONWebKey.Valid() {
		return "", Key{}, fmt.Errorf("%w: it has no public key", ErrProof)
	}
	public := header.JSONWebKey.Key
	if err := strong(public); err != nil {
		return "", Key{}, err
	}
	challenge, err = verify(token, path, public)
	if err != nil {
		return "", Key{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", Key{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return challenge, Key{names[jose.SignatureAlgorithm(header.Algorithm)], string(der)}, nil
}

// VerifyRefresh verifies a proof that was sent to the endpoint of that path and is to be
// signed by key. It returns the challenge that was signed. Such a proof contains no key.
func VerifyRefresh(proof, path string, key Key) (challenge string, err error) {
	token, err := parse(proof)
	if err != nil {
		return "", err
	}
	switch header := token.Headers[0]; {
	case header.JSONWebKey != nil:
		return "", fmt.Errorf("%w: it has a key", ErrProof)
	case names[jose.SignatureAlgorithm(header.Algorithm)] != key.Algorithm:
		return "", fmt.Errorf("%w: its algorithm is not that of the key", ErrProof)
	}
	public, err := x509.ParsePKIXPublicKey([]byte(key.DER))
	if err != nil {
		return "", fmt.Errorf("the stored key cannot be read: %w", err)
	}
	return verify(token, path, public)
}

func parse(proof string) (*jwt.JSONWebToken, error) {
	if len(proof) > maxProof {
		return nil, fmt.Errorf("%w: it has %d bytes, over %d", ErrProof, len(proof), maxProof)
	}
	token, err := jwt.ParseSigned(proof, allowed)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrProof, err)
	case len(token.Headers) != 1 || token.Headers[0].ExtraHeaders[jose.HeaderType] != proofType:
		return nil, fmt.Errorf("%w: its type is not %s", ErrProof, proofType)
	}
	return token, nil
}

// strong returns an error for an RSA key that is too short to be safe, or too long to be
// verified in a short time.
func strong(public any) error {
	if key, ok := public.(*rsa.PublicKey); ok && (key.N.BitLen() < minRSABits || key.N.BitLen() > maxRSABits) {
		return fmt.Errorf("%w: an RSA key of %d bits; it must have %d to %d", ErrProof, key.N.BitLen(), minRSABits, maxRSABits)
	}
	return nil
}

func verify(token *jwt.JSONWebToken, path string, public any) (challenge string, err error) {
	var claims struct {
		ID       string       `json:"jti"`
		Audience jwt.Audience `json:"aud"`
	}
	if err := token.Claims(public, &claims); err != nil {
		return "", fmt.Errorf("%w: %w", ErrProof, err)
	}
	switch {
	case claims.ID == "":
		return "", fmt.Errorf("%w: it has no jti", ErrProof)
	case !addressedTo(claims.Audience, path):
		return "", fmt.Errorf("%w: its aud is not the URL of this endpoint", ErrProof)
	}
	return claims.ID, nil
}

// addressedTo reports whether a proof with that audience is for the endpoint of that path.
// The draft has no audience. Chromium can add the URL of the endpoint as it knows it, whose
// path is the one that it was told, whatever a proxy makes of that. The scheme and host are
// not compared: a server does not know them. A proxy may replace the Host of the request, and
// X-Forwarded-Host may come from the client.
func addressedTo(audience jwt.Audience, path string) bool {
	switch len(audience) {
	case 0:
		return true
	case 1:
		u, err := url.Parse(audience[0])
		return err == nil && u.Host != "" && u.Path == path
	}
	return false
}
