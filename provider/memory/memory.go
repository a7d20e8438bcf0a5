// Package memory is a provider that keeps records in the memory of the process. It is for
// programs that run as one instance and may lose their sessions when they end, and for
// tests.
//
// It has no goroutine, except one for each call of Listen while that runs, and needs no
// Close: every Save removes a few expired records. When it is full, it first refuses new
// records, and later also records that would grow. It never evicts a record, since that
// would log someone out; see [MaxBytes].
package memory

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"unique"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/expiring"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Provider implements provider.Provider. Make one with New; the zero Provider cannot be
// used. It is safe for concurrent use.
type Provider struct {
	seed      maphash.Seed
	budget    budget
	shards    [shardCount]shard
	listeners listeners
	expired   expiring.Listeners
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Expirer  = (*Provider)(nil)
)

const (
	shardCount      = 64
	defaultMaxBytes = 256 << 20
)

// Option configures a Provider in New.
type Option func(*Provider)

// MaxBytes limits the memory of the records to n bytes, counting ID, Format and Data and
// 208 bytes more for each record. The default is 256 MiB.
//
// A save that does not fit is refused with provider.ErrFull. A new record must leave a
// sixteenth of the memory free. That is reserved for existing sessions, which may grow,
// be renewed or get an owner (Session.Renew, Session.SetOwner). So a flood of anonymous
// sessions turns new visitors away, but users can still sign in and out, as long as their
// sessions do not fill the reserve. A sign-in that neither renews a session nor sets an
// owner is treated like a new visitor. A single record larger than the limit is always
// refused, with provider.ErrTooLarge.
//
// MaxBytes panics if n is not positive.
func MaxBytes(n int64) Option {
	if n <= 0 {
		panic("memory: MaxBytes is not positive")
	}
	return func(p *Provider) { p.budget.max = n }
}

// New returns an empty store.
func New(opts ...Option) *Provider {
	p := &Provider{seed: maphash.MakeSeed()}
	p.budget.max = defaultMaxBytes
	for _, opt := range opts {
		opt(p)
	}
	for i := range p.shards {
		p.shards[i].budget, p.shards[i].expired = &p.budget, &p.expired
		p.shards[i].entries = make(map[string]*entry)
	}
	return p
}

// OnExpired implements provider.Expirer. A record is removed by a Save that comes after its
// expiry, which calls fn then.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) { return p.expired.Add(fn) }

// Len returns the number of records, including those that have expired but are not yet
// removed.
func (p *Provider) Len() int {
	n := 0
	for i := range p.shards {
		n += p.shards[i].len()
	}
	return n
}

// Bytes returns the number of bytes of the records as MaxBytes counts them.
func (p *Provider) Bytes() int64 { return p.budget.used.Load() }

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := shared{p}.Fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	return rec.Clone(), nil
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if rec.Validate(expectVersion) == nil { // else Save below refuses it
		rec = rec.Clone()
		rec.ID = strings.Clone(rec.ID) // it may be a part of something larger
		rec.ExpiresAt = provider.FromMillis(provider.Millis(rec.ExpiresAt))
		rec.Format = unique.Make(rec.Format).Value() // thousands of records have the same
	}
	return shared{p}.Save(ctx, rec, expectVersion)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := check(ctx, provider.ValidateID(id)); err != nil {
		return err
	}
	p.shard(id).delete(id)
	return nil
}

var (
	errNotFound = fmt.Errorf("memory: %w", provider.ErrNotFound)
	errTooLarge = fmt.Errorf("memory: %w", provider.ErrTooLarge)
	errFull     = fmt.Errorf("memory: %w", provider.ErrFull)
)

// check is called first by every method.
func check(ctx context.Context, invalid error) error {
	if invalid != nil {
		return fmt.Errorf("memory: %w", invalid)
	}
	if err := ctx.Err(); err != nil {
		return outcome.Refused(fmt.Errorf("memory: %w", err))
	}
	return nil
}

func (p *Provider) shard(id string) *shard {
	return &p.shards[maphash.String(p.seed, id)%shardCount]
}

// makeRoom removes a limited number of expired records from all shards. It reports
// whether there were any.
func (p *Provider) makeRoom() bool {
	left := sweepWhenFull
	for i := range p.shards {
		left -= p.shards[i].sweep(left)
	}
	return left < sweepWhenFull
}
