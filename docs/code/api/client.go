package api

import (
	"net/http"
	"sync"
)

// A TokenTransport is a client's side: it sends the token of its session and keeps the one
// that a response has. The zero value has no session yet.
type TokenTransport struct {
	Next http.RoundTripper

	mu    sync.Mutex
	token string
}

// RoundTrip implements http.RoundTripper.
func (t *TokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.mu.Lock()
	token := t.token
	t.mu.Unlock()
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token) // also without a token: no cookie is wanted
	res, err := t.Next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if sent, changed := res.Header["Session-Token"]; changed {
		t.mu.Lock()
		t.token = sent[0] // "" after a logout
		t.mu.Unlock()
	}
	return res, nil
}
