// Package memory is a provider that keeps records in the memory of the process.
// It is for programs that run as one instance and may lose their sessions when
// they end, and for tests.
//
// It has no goroutine and needs no Close: every Save removes a few records that
// have expired. When it is full, it refuses new records, later also those that would
// grow, and evicts none, since that would log someone out; see [MaxBytes].
package memory

import (
	"context"
	"fmt"
	"hash/maphash"
	"unique"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Provider implements provider.Provider. Make one with New.
type Provider struct {
	seed   maphash.Seed
	budget budget
	shards [shardCount]shard
}

var _ provider.Provider = (*Provider)(nil)

const (
	shardCount      = 64
	defaultMaxBytes = 256 << 20
)

// Option is an option of New.
type Option func(*Provider)

// MaxBytes limits the memory of the records, counting the bytes of ID, Format
// and Data and 192 more for each. The default is 256 MiB.
//
// What does not fit is refused with provider.ErrFull. A new record must leave a
// sixteenth of the memory free: that is kept for those who are there, whose sessions
// may grow, be renewed or get an owner (Session.Renew, Session.SetOwner). So a flood
// of anonymous sessions turns new visitors away, but keeps nobody from signing in or
// out, as long as those who sign in do not fill the rest. A sign-in that neither
// renews a session nor gives it an owner cannot be told from a new visitor's. A single
// record over the limit is always refused, with provider.ErrTooLarge.
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
		p.shards[i].budget = &p.budget
		p.shards[i].entries = make(map[string]*entry)
	}
	return p
}

// Len returns the number of records, with those that have expired but are not
// removed yet.
func (p *Provider) Len() int {
	n := 0
	for i := range p.shards {
		n += p.shards[i].len()
	}
	return n
}

// Bytes returns the memory of the records as MaxBytes counts it.
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
	if rec != nil {
		rec = rec.Clone()
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

// check is what every method does first.
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

// makeRoom removes expired records from all shards, but only so many that no Save is
// held up for long. It reports whether there were any.
func (p *Provider) makeRoom() bool {
	left := sweepWhenFull
	for i := range p.shards {
		left -= p.shards[i].sweep(left)
	}
	return left < sweepWhenFull
}
