package oauth

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/holdfast-go/holdfast/session"
)

var tokens = session.NewKey[oauth2.Token]("token")

// expired reports whether the access token has run out, or is about to.
func expired(t oauth2.Token) bool {
	return !t.Expiry.IsZero() && time.Now().Add(10*time.Second).After(t.Expiry)
}

// token returns the visitor's token, renewed if it has run out. Of parallel requests, on
// all instances, one redeems the refresh token, and the others get what it has got.
func (site *Site) token(ctx context.Context, s *session.Session) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	renewed := false
	t, err := tokens.Refresh(ctx, s, expired, func(ctx context.Context, old oauth2.Token) (oauth2.Token, error) {
		now, err := site.OAuth.TokenSource(ctx, &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
		if err != nil {
			return oauth2.Token{}, err
		}
		renewed = true
		return *now, nil
	})
	if err != nil && renewed { // the session has ended meanwhile, or the store has failed
		site.revoke(context.WithoutCancel(ctx), t)
	}
	return &t, err
}

// revoke tells the provider that nobody has the token any more (RFC 7009).
func (site *Site) revoke(ctx context.Context, t oauth2.Token) {
	form := strings.NewReader(url.Values{"token": {t.RefreshToken}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, site.RevocationURL, form)
	if err != nil {
		slog.Error("oauth: revoke", "error", err)
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(site.OAuth.ClientID), url.QueryEscape(site.OAuth.ClientSecret))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		slog.Error("oauth: revoke", "error", err)
		return
	}
	res.Body.Close()
}

// orders is a page that calls the provider's API with the visitor's token.
func (site *Site) orders(w http.ResponseWriter, r *http.Request, s *session.Session) {
	t, err := site.token(r.Context(), s)
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		http.Error(w, "please log in again", http.StatusUnauthorized) // the grant was revoked
		return
	case err != nil:
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	client := oauth2.NewClient(r.Context(), oauth2.StaticTokenSource(t))
	res, err := client.Get(site.API)
	if err != nil {
		http.Error(w, "please try again", http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}
