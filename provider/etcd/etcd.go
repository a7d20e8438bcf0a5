package etcd

import (
	"context"
	"log/slog"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/argument"
	"github.com/holdfast-go/holdfast/provider/internal/expiring"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

// Provider implements provider.Provider. Make one with New or Open; the zero Provider
// cannot be used. It is safe for concurrent use.
type Provider struct {
	client *clientv3.Client
	remote etcdserverpb.KVClient
	prefix string
	log    *slog.Logger
	close  func() error // of a client that Open has made

	pingEvery, pingTimeout time.Duration // of a Listen

	expired expiring.Listeners
	purged  purging.Stats
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Expirer  = (*Provider)(nil)
	_ provider.Purger   = (*Provider)(nil)
)

// Option configures a Provider in New or Open.
type Option func(*Provider)

const defaultPrefix = "holdfast/"

// Prefix sets the text before every record's ID in etcd's keys. The default is
// "holdfast/". Programs that share a cluster need different prefixes, of which none may
// begin with another: "shop/" and "shop/admin/" are not separate.
func Prefix(prefix string) Option {
	return func(p *Provider) { p.prefix = prefix }
}

// Logger sets the logger for the errors of PurgeEvery. The default is slog.Default().
func Logger(l *slog.Logger) Option {
	return func(p *Provider) { p.log = l }
}

// New returns a provider that keeps its records in the cluster of client. It does no I/O.
// The package's documentation says how to set up the client.
//
// The provider calls the cluster over the client's connection. A client whose field KV
// has been replaced, as by package clientv3/namespace, makes no difference: use Prefix.
func New(client *clientv3.Client, opts ...Option) *Provider {
	argument.NotNil("etcd: the client of New", client)
	p := &Provider{client: client, remote: clientv3.RetryKVClient(client), prefix: defaultPrefix, pingEvery: pingEvery, pingTimeout: pingTimeout}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Close closes the client of a provider that Open has returned. If New has returned it,
// the client is the caller's, and Close does nothing.
func (p *Provider) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// Fetch implements provider.Provider with a linearizable read.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "etcd", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	resp, err := p.kv().Get(ctx, p.key(id))
	if err != nil {
		return nil, p.explain(ctx, err)
	}
	rec, err := only(id, resp.Kvs)
	if err != nil {
		return nil, err
	}
	if rec == nil || rec.Expired(time.Now()) {
		return nil, errNotFound
	}
	return rec, nil
}

// Save implements provider.Provider with a transaction. A conflict is a
// *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "etcd", rec.Validate(expectVersion)); err != nil {
		return err
	}
	if expectVersion > 0 {
		return p.update(ctx, rec, expectVersion, time.Now())
	}
	return p.replace(ctx, rec, expectVersion == 0, time.Now())
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "etcd", provider.ValidateID(id)); err != nil {
		return err
	}
	return p.remove(ctx, p.key(id))
}

func (p *Provider) key(id string) string { return p.prefix + id }
