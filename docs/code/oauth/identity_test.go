package oauth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// An identity is an OpenID provider at which everybody is ann, without a question.
type identity struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu    sync.Mutex
	codes map[string]url.Values // the request of each code that is not used yet
	nonce string                // in place of that of the request

	refresh     string // the refresh token that is valid; "" if the grant was revoked
	redemptions int    // of refresh tokens
	revocations int
	redeeming   func() // called while a refresh token is redeemed
}

func newIdentity(t *testing.T) *identity {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &identity{key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		code := rand.Text()
		p.mu.Lock()
		p.codes[code] = r.URL.Query()
		p.mu.Unlock()
		answer := url.Values{"state": {r.FormValue("state")}, "code": {code}}
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /revoke", p.revoke)
	mux.HandleFunc("GET /orders", p.orders)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// token gives an ID token for a code, once, to whom the verifier of PKCE is known.
func (p *identity) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") == "refresh_token" {
		p.redeem(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	nonce := asked.Get("nonce")
	if p.nonce != "" {
		nonce = p.nonce
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, nil)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	raw, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": p.URL, "sub": "ann", "aud": asked.Get("client_id"), "nonce": nonce,
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}).Serialize()
	if err != nil {
		panic(err)
	}
	p.refresh = rand.Text()
	answer(w, map[string]any{"access_token": "first", "token_type": "Bearer", "id_token": raw, "refresh_token": p.refresh, "expires_in": 1})
}

// redeem takes each refresh token once. If one comes again, it revokes the grant.
func (p *identity) redeem(w http.ResponseWriter, r *http.Request) {
	if p.redeeming != nil {
		p.redeeming()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent := r.PostFormValue("refresh_token"); sent == "" || sent != p.refresh {
		p.refresh = ""
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	p.refresh = rand.Text()
	p.redemptions++
	answer(w, map[string]any{"access_token": "renewed", "token_type": "Bearer", "refresh_token": p.refresh, "expires_in": 3600})
}

func (p *identity) revoke(_ http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.PostFormValue("token") == p.refresh {
		p.refresh = ""
		p.revocations++
	}
}

// orders is the API.
func (p *identity) orders(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer renewed" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = w.Write([]byte("two books"))
}

func answer(w http.ResponseWriter, fields map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(fields)
}
