// Package identity is an OpenID provider for examples/oidc and its tests: that of
// github.com/zitadel/oidc, with users in memory. It knows one client. It remembers the
// sessions of its users, and sends the client a logout token when one ends.
package identity

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A Client is the site whose users sign in.
type Client struct {
	ID, Secret string
	URL        string       // of the site, without a slash at the end
	HTTP       *http.Client // that sends the tokens; nil: http.DefaultClient
}

// A Session is a login of a user at the provider.
type Session struct {
	ID      string // sid
	Subject string // sub
}

// A Provider is an OpenID provider. Make one with New. It is safe for concurrent use.
type Provider struct {
	http.Handler

	issuer  string
	client  Client
	storage *storage.Storage

	mu       sync.Mutex
	sessions []Session // that have not ended
}

// New returns a provider for the users ann and bob, whose passwords are their names. The
// issuer is the URL at which its Handler is served.
func New(issuer string, client Client) (*Provider, error) {
	p := &Provider{
		issuer: issuer,
		client: client,
		storage: storage.NewStorageWithClients(users{}, map[string]*storage.Client{
			client.ID: storage.WebClient(client.ID, client.Secret, client.URL+"/callback"),
		}),
	}
	config := &op.Config{
		CodeMethodS256:                    true,
		BackChannelLogoutSupported:        true,
		BackChannelLogoutSessionSupported: true,
	}
	rand.Read(config.CryptoKey[:])
	protocol, err := op.NewProvider(config, remembering{p.storage, p}, op.StaticIssuer(issuer), op.WithAllowInsecure())
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	p.Handler = p.routes(protocol)
	return p, nil
}

// Sessions returns the sessions that have not ended.
func (p *Provider) Sessions() []Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sessions)
}

// users are the accounts.
type users struct{}

// GetUserByUsername implements storage.UserStore.
func (users) GetUserByUsername(name string) *storage.User {
	if name != "ann" && name != "bob" {
		return nil
	}
	return &storage.User{ID: name, Username: name, Password: name}
}

// GetUserByID implements storage.UserStore.
func (u users) GetUserByID(id string) *storage.User { return u.GetUserByUsername(id) }

// ExampleClientID implements storage.UserStore. There is no such client.
func (users) ExampleClientID() string { return "" }
