package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	maxTokenSize = 64 << 10         // bytes
	maxTokenAge  = 15 * time.Minute // of a logout token
	clockSkew    = time.Minute      // between the provider and the site
	endTimeout   = 10 * time.Second
)

// backchannelLogout receives the logout tokens of the provider. It answers 400 both for a
// token that is not valid and for a logout that has failed, as section 2.8 of OpenID Connect
// Back-Channel Logout 1.0 requires.
func (site *Site) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenSize)
	token, err := site.verifyLogout(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		refuseLogout(w, "the logout token is not valid", err)
		return
	}
	// The logout goes on if the provider gives up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), endTimeout)
	defer cancel()
	until := token.IssuedAt.Add(maxTokenAge + clockSkew)
	err = site.processed.once(ctx, token.Issuer, token.TokenID, until, func() error {
		return site.end(ctx, account{token.Issuer, token.Subject, token.SessionID}, token.IssuedAt)
	})
	switch {
	case errors.Is(err, errProcessed):
		refuseLogout(w, err.Error(), err)
	case err != nil:
		refuseLogout(w, "the logout has failed; send the token again", err)
	}
}

// refuseLogout answers a logout request that has ended nothing.
func refuseLogout(w http.ResponseWriter, description string, err error) {
	slog.Warn("back-channel logout refused", "error", err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": description})
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// verifyLogout verifies a logout token as section 2.6 of the specification requires.
// VerifyLogout checks the signature, iss, aud, exp, that there are jti, the event, and sub
// or sid, and that there is no nonce.
func (site *Site) verifyLogout(ctx context.Context, raw string) (*oidc.LogoutToken, error) {
	token, err := site.tokens.VerifyLogout(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := checkIssuedAt(token.IssuedAt, maxTokenAge); err != nil {
		return nil, err
	}
	var claims struct{ Events map[string]json.RawMessage }
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal(claims.Events[logoutEvent], &event); err != nil || event == nil {
		return nil, errors.New("the event is not a JSON object")
	}
	return token, nil
}

// checkIssuedAt checks the claim iat of a token.
func checkIssuedAt(at time.Time, maxAge time.Duration) error {
	switch age := time.Since(at); {
	case at.IsZero():
		return errors.New("the token has no iat")
	case age < -clockSkew:
		return fmt.Errorf("the token was issued at %v, in the future", at)
	case age > maxAge:
		return fmt.Errorf("the token was issued at %v, too long ago", at)
	}
	return nil
}
