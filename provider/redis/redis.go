package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Client is what this package calls of go-redis's clients: *redis.Client for one
// server, also one found through Sentinel, *redis.ClusterClient and *redis.Ring.
type Client interface {
	Process(ctx context.Context, cmd goredis.Cmder) error
	Pipelined(ctx context.Context, fn func(goredis.Pipeliner) error) ([]goredis.Cmder, error)
}

var (
	_ Client = (*goredis.Client)(nil)
	_ Client = (*goredis.ClusterClient)(nil)
	_ Client = (*goredis.Ring)(nil)
)

// Provider implements provider.Provider. Make one with New or Open.
type Provider struct {
	client         Client
	honorsDeadline bool         // the client's calls end at their deadline
	close          func() error // nil if the client is the caller's
	prefix         string
	replicas       replicas
	connector      connector
}

var _ provider.Provider = (*Provider)(nil)

const (
	defaultPrefix = "holdfast:"

	// maxValueSize is far below the 512 MB of Redis: while it takes in a value,
	// everybody else waits.
	maxValueSize = 16 << 20
)

// Option is an option of New and Open.
type Option func(*Provider)

// Prefix puts a text in front of every record's ID to make its key. Apps that
// share a database keep apart by it. The default is "holdfast:".
//
// Redis Cluster puts all keys into one slot, and so into one node, if the prefix
// has something in braces: use none.
func Prefix(prefix string) Option {
	return func(p *Provider) { p.prefix = prefix }
}

// New returns a provider that keeps its records through a client, which it does
// not close. See the package's documentation for how to set the client up. New
// itself does no I/O.
func New(client Client, opts ...Option) *Provider {
	p := &Provider{client: client, honorsDeadline: honorsDeadline(client), prefix: defaultPrefix}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Close closes the connections of a provider made by Open. It does nothing to one
// made by New.
func (p *Provider) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := check(ctx, provider.ValidateID(id)); err != nil {
		return nil, err
	}
	cmd := getex(ctx, p.key(id))
	err := p.await(ctx, func() error { return p.client.Process(ctx, cmd) })
	switch {
	case errors.Is(err, goredis.Nil):
		return nil, errNotFound
	case err != nil:
		return nil, p.failed(ctx, p.key(id), err)
	}
	value, _ := cmd.Bytes()
	return decode(id, value)
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := check(ctx, rec.Validate(expectVersion)); err != nil {
		return err
	}
	if valueSize(rec) > maxValueSize {
		return errTooLarge
	}
	return p.apply(ctx, &change{
		id:     rec.ID,
		value:  encode(rec),
		expect: expectation(expectVersion),
		pxat:   pxat(rec),
	})
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := check(ctx, provider.ValidateID(id)); err != nil {
		return err
	}
	return p.apply(ctx, &change{id: id, expect: expectAny})
}

// check is what every method does first.
func check(ctx context.Context, invalid error) error {
	if invalid != nil {
		return fmt.Errorf("redis: %w", invalid)
	}
	if err := ctx.Err(); err != nil {
		return outcome.Refused(fmt.Errorf("redis: %w", err))
	}
	return nil
}

func (p *Provider) key(id string) string { return p.prefix + id }
