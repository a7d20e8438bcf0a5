package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/argument"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Client has the methods of go-redis's clients that this package calls: *redis.Client for
// one server, also one found through Sentinel, *redis.ClusterClient and *redis.Ring.
type Client interface {
	Process(ctx context.Context, cmd goredis.Cmder) error
	Pipelined(ctx context.Context, fn func(goredis.Pipeliner) error) ([]goredis.Cmder, error)
}

var (
	_ Client = (*goredis.Client)(nil)
	_ Client = (*goredis.ClusterClient)(nil)
	_ Client = (*goredis.Ring)(nil)
)

// Provider implements provider.Provider. Make one with New or Open; the zero Provider
// cannot be used. It is safe for concurrent use.
type Provider struct {
	client         Client
	honorsDeadline bool         // the client's calls end at their deadline
	close          func() error // nil if the client is the caller's
	prefix         string
	replicas       replicas
	connector      connector
	unsharded      atomic.Bool // see sharded
	pingEvery      time.Duration
	pingTimeout    time.Duration
}

var _ provider.Provider = (*Provider)(nil)

const (
	defaultPrefix = "holdfast:"

	// maxValueSize is far below the 512 MB of Redis: while Redis reads a value, all other
	// clients wait.
	maxValueSize = 16 << 20
)

// Option configures a Provider in New and Open.
type Option func(*Provider)

// Prefix sets the text before every record's ID in the key. Apps that share a database
// need different prefixes. The default is "holdfast:".
//
// Do not use braces in the prefix: Redis Cluster would put all keys into one slot, and so
// into one node.
func Prefix(prefix string) Option {
	return func(p *Provider) { p.prefix = prefix }
}

// New returns a provider that keeps its records through a client, which it does not
// close. See the package's documentation for the options of the client. New itself does
// no I/O.
func New(client Client, opts ...Option) *Provider {
	argument.NotNil("redis: the client of New", client)
	p := &Provider{client: client, honorsDeadline: honorsDeadline(client), prefix: defaultPrefix, pingEvery: pingEvery, pingTimeout: pingTimeout}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Close closes the connections of a provider made by Open. For one made by New it does
// nothing and returns nil.
func (p *Provider) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "redis", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	key := p.key(id)
	cmd := getex(ctx, key)
	err := p.process(ctx, cmd)
	switch {
	case errors.Is(err, goredis.Nil):
		return nil, errNotFound
	case err != nil:
		return nil, p.failed(ctx, key, err)
	}
	value, _ := cmd.Bytes()
	return decode(id, value)
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "redis", rec.Validate(expectVersion)); err != nil {
		return err
	}
	if valueSize(rec) > maxValueSize {
		return errTooLarge
	}
	return p.apply(ctx, &change{
		id:     rec.ID,
		key:    p.key(rec.ID),
		value:  encode(rec),
		expect: expectation(expectVersion),
		pxat:   pxat(rec),
	})
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "redis", provider.ValidateID(id)); err != nil {
		return err
	}
	return p.apply(ctx, &change{id: id, key: p.key(id), expect: expectAny})
}

func (p *Provider) key(id string) string { return p.prefix + id }
