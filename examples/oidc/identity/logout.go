package identity

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// EndSession ends the session of that ID, and sends the client a logout token.
func (p *Provider) EndSession(ctx context.Context, id string) error {
	return p.end(ctx, func(s Session) bool { return s.ID == id }, "", id)
}

// EndUser ends all sessions of a user, and sends the client a logout token.
func (p *Provider) EndUser(ctx context.Context, subject string) error {
	return p.end(ctx, func(s Session) bool { return s.Subject == subject }, subject, "")
}

func (p *Provider) end(ctx context.Context, ended func(Session) bool, subject, id string) error {
	p.mu.Lock()
	p.sessions = slices.DeleteFunc(p.sessions, ended)
	p.mu.Unlock()
	raw, err := p.Sign("logout+jwt", p.LogoutClaims(subject, id))
	if err != nil {
		return err
	}
	form := url.Values{"logout_token": {raw}}.Encode()
	return p.post(ctx, "/backchannel-logout", "application/x-www-form-urlencoded", form, http.StatusOK)
}

// LogoutClaims returns the claims of a logout token for a user, a session or both.
func (p *Provider) LogoutClaims(subject, id string) *oidc.LogoutTokenClaims {
	return oidc.NewLogoutTokenClaims(p.issuer, subject, oidc.Audience{p.client.ID}, time.Now().Add(2*time.Minute), rand.Text(), id, 0)
}

// Revoked sends the client a security event token with the event session-revoked of CAEP.
func (p *Provider) Revoked(ctx context.Context, subjectID map[string]any) error {
	raw, err := p.Sign("secevent+jwt", p.RevokedClaims(subjectID))
	if err != nil {
		return err
	}
	return p.post(ctx, "/security-events", "application/secevent+jwt", raw, http.StatusAccepted)
}

// RevokedClaims returns the claims of such a token.
func (p *Provider) RevokedClaims(subjectID map[string]any) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": p.issuer, "aud": p.client.ID, "iat": now, "jti": rand.Text(), "sub_id": subjectID,
		"events": map[string]any{
			"https://schemas.openid.net/secevent/caep/event-type/session-revoked": map[string]any{"event_timestamp": now},
		},
	}
}

// Sign returns a token of that type with the claims, signed with the key of the provider.
func (p *Provider) Sign(typ string, claims any) (string, error) {
	key, err := p.storage.SigningKey(context.Background())
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: key.SignatureAlgorithm(), Key: jose.JSONWebKey{Key: key.Key(), KeyID: key.ID()}},
		new(jose.SignerOptions).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// post sends the client a request that must be answered with that status.
func (p *Provider) post(ctx context.Context, path, contentType, body string, want int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.client.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", contentType)
	client := p.client.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
	if res.StatusCode != want {
		return fmt.Errorf("identity: the client answers %s: %s", res.Status, text)
	}
	return nil
}
