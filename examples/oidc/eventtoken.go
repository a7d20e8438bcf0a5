package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// An eventToken is a security event token that was verified.
type eventToken struct {
	Issuer    string                     `json:"iss"`
	Audience  audience                   `json:"aud"`
	ID        string                     `json:"jti"`
	IssuedAt  int64                      `json:"iat"`
	Expiry    json.RawMessage            `json:"exp"`
	Events    map[string]json.RawMessage `json:"events"`
	SubjectID subject                    `json:"sub_id"`
}

func (t *eventToken) issuedAt() time.Time { return time.Unix(t.IssuedAt, 0) }

// An audience is one string or several.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// A subject is a subject identifier (RFC 9493) of one of the formats iss_sub and opaque, or
// one of the format complex of OpenID Shared Signals, which has a user, a session or both.
type subject struct {
	Format  string   `json:"format"`
	Issuer  string   `json:"iss"`
	Subject string   `json:"sub"`
	ID      string   `json:"id"`
	User    *subject `json:"user"`
	Session *subject `json:"session"`
}

// account returns the user or the session that the token is about.
func (t *eventToken) account() (account, error) {
	s := t.SubjectID
	switch {
	case s.Format == "complex" && s.Session != nil && s.Session.Format == "opaque" && s.Session.ID != "":
		return account{Issuer: t.Issuer, SessionID: s.Session.ID}, nil
	case s.Format == "opaque" && s.ID != "":
		return account{Issuer: t.Issuer, SessionID: s.ID}, nil
	case s.Format == "complex" && s.Session == nil && s.User != nil:
		s = *s.User
	}
	if s.Format != "iss_sub" || s.Issuer != t.Issuer || s.Subject == "" {
		return account{}, errors.New("sub_id names no user and no session of the issuer in a format that is known here")
	}
	return account{Issuer: s.Issuer, Subject: s.Subject}, nil
}

// An eventVerifier verifies the tokens of one transmitter, which here is the OpenID
// provider. Another transmitter has an issuer and keys of its own.
type eventVerifier struct {
	signatures       *oidc.IDTokenVerifier
	issuer, audience string
}

// newEventVerifier returns a verifier that leaves to go-oidc the signature, with the keys
// and the algorithms of the provider. The claims of these tokens are others than those of
// ID tokens.
func newEventVerifier(p *oidc.Provider, issuer, audience string) *eventVerifier {
	return &eventVerifier{
		signatures: p.Verifier(&oidc.Config{SkipClientIDCheck: true, SkipIssuerCheck: true, SkipExpiryCheck: true}),
		issuer:     issuer,
		audience:   audience,
	}
}

// verify returns the token, or an eventError.
func (v *eventVerifier) verify(ctx context.Context, raw string) (*eventToken, error) {
	signed, err := v.signatures.Verify(ctx, raw)
	if err != nil {
		return nil, eventError{"invalid_key", errors.New("the signature is not that of the issuer")}
	}
	token := new(eventToken)
	if err := signed.Claims(token); err != nil {
		return nil, badRequest(errors.New("the claims are malformed"))
	}
	switch {
	case token.Issuer != v.issuer:
		return nil, eventError{"invalid_issuer", fmt.Errorf("the issuer is not %q", v.issuer)}
	case !slices.Contains(token.Audience, v.audience):
		return nil, eventError{"invalid_audience", fmt.Errorf("the audience is not %q", v.audience)}
	case typeOf(raw) != "secevent+jwt":
		return nil, badRequest(errors.New(`the header typ is not "secevent+jwt"`))
	case len(token.Events) == 0 || token.ID == "" || token.IssuedAt == 0 || token.Expiry != nil:
		return nil, badRequest(errors.New("the claims are not those of a security event token: jti, iat, events, no exp"))
	}
	if err := checkIssuedAt(token.issuedAt(), maxEventAge); err != nil {
		return nil, badRequest(err)
	}
	return token, nil
}

// typeOf returns the header typ of a token whose signature was verified, so that no other
// kind of token of the issuer counts as an event.
func typeOf(raw string) string {
	parsed, err := jose.ParseSignedCompact(raw, signatureAlgorithms)
	if err != nil {
		return ""
	}
	kind, _ := parsed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	return kind
}

// signatureAlgorithms are those that go-oidc verifies.
var signatureAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}
