package leases_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A tokenServer is the token endpoint of an OAuth 2.0 authorization server with
// refresh-token rotation (RFC 9700, section 4.14.2): it takes each refresh token once, and
// revokes the grant if one is sent again.
//
//	POST /token?refresh_token=…  renews a grant
//	GET  /gate?grant=…           waits until the grant has been renewed once more
//	GET  /hold?grant=…           waits until the test lets it go
type tokenServer struct {
	*httptest.Server

	mu     sync.Mutex
	grants map[string]*grant // by every refresh token that was issued, and by name
}

// grant is what one user has allowed one client.
type grant struct {
	name       string
	refresh    string        // the refresh token that is valid; "" if the grant was revoked
	generation int           // how often it was renewed
	reused     int           // how often a refresh token came again
	renewed    chan struct{} // closed at the next renewal
	atGate     chan struct{} // closed when a client waits for that, or is held
	letGo      chan struct{} // closed when a client that is held may go on
}

// token is what a client has of a grant.
type token struct {
	Refresh    string `json:"refresh_token"`
	Generation int    `json:"generation"` // stands for the access token
}

func newTokenServer(t *testing.T) *tokenServer {
	s := &tokenServer{grants: map[string]*grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.renew)
	mux.HandleFunc("GET /gate", s.gate)
	mux.HandleFunc("GET /hold", s.hold)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// issue returns the first token of a new grant.
func (s *tokenServer) issue(name string) token {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &grant{name: name, refresh: rand.Text(), renewed: make(chan struct{}), atGate: make(chan struct{}), letGo: make(chan struct{})}
	s.grants[name], s.grants[g.refresh] = g, g
	return token{Refresh: g.refresh}
}

func (s *tokenServer) renew(w http.ResponseWriter, r *http.Request) {
	time.Sleep(20 * time.Millisecond) // so that parallel requests overlap
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := r.FormValue("refresh_token")
	g := s.grants[sent]
	if g == nil || g.refresh != sent {
		if g != nil {
			g.refresh = ""
			g.reused++
		}
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	g.refresh = rand.Text()
	s.grants[g.refresh] = g
	g.generation++
	close(g.renewed)
	g.renewed = make(chan struct{})
	_ = json.NewEncoder(w).Encode(token{Refresh: g.refresh, Generation: g.generation})
}

func (s *tokenServer) gate(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	g := s.grants[r.FormValue("grant")]
	renewed := g.renewed
	s.mu.Unlock()
	close(g.atGate)
	select {
	case <-renewed:
	case <-r.Context().Done():
	}
}

func (s *tokenServer) hold(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	g := s.grants[r.FormValue("grant")]
	s.mu.Unlock()
	close(g.atGate)
	select {
	case <-g.letGo:
	case <-r.Context().Done():
	}
}

// release lets the client go on that is held.
func (s *tokenServer) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.grants[name].letGo)
}

// waitAtGate returns when a client waits at the gate of that grant.
func (s *tokenServer) waitAtGate(name string) {
	s.mu.Lock()
	atGate := s.grants[name].atGate
	s.mu.Unlock()
	<-atGate
}

// want checks how often the grant was renewed and how often a refresh token came again.
func (s *tokenServer) want(t *testing.T, name string, generation, reused int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.grants[name]; g.generation != generation || g.reused != reused {
		t.Errorf("%s: renewed %d times, reused %d times; want %d, %d", name, g.generation, g.reused, generation, reused)
	}
}
