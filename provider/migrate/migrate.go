package migrate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Options configures New. The zero Options are those of the phase Move.
type Options struct {
	// Prepare selects the phase before the move: the Provider keeps new records in from
	// and moves nothing, but it understands the markers of instances that do.
	Prepare bool
}

// Provider implements provider.Provider over two stores. Make one with New; the zero
// Provider cannot be used. It is safe for concurrent use.
type Provider struct {
	from, to provider.Provider
	prepare  bool
	moved    idSet       // IDs whose marker has been seen
	probed   atomic.Bool // whether probe has succeeded
}

var _ provider.Provider = (*Provider)(nil)

// New returns a provider over the records of from and to. It does no I/O. It returns an
// error if a store is nil, if both are the same, or if one of them is a *Provider: records
// cannot be moved through several stores at a time.
func New(from, to provider.Provider, opts Options) (*Provider, error) {
	switch {
	case from == nil || to == nil:
		return nil, errors.New("migrate: a store is nil; pass the old store and the new one")
	case isProvider(from) || isProvider(to):
		return nil, errors.New("migrate: a store is itself a migrate.Provider; finish its migration first")
	case isSame(from, to):
		return nil, errSameStore
	}
	return &Provider{from: from, to: to, prepare: opts.Prepare}, nil
}

// isSame reports whether both are the same value. Values that cannot be compared are not.
func isSame(from, to provider.Provider) bool {
	return reflect.TypeOf(from) == reflect.TypeOf(to) && reflect.TypeOf(from).Comparable() && from == to
}

func isProvider(p provider.Provider) bool {
	_, ok := p.(*Provider)
	return ok
}

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "migrate", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	return p.fetch(ctx, id)
}

// Save implements provider.Provider. It refuses a Format that begins with
// "holdfast-migrate/" with provider.ErrInvalidRecord.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "migrate", validate(rec, expectVersion)); err != nil {
		return err
	}
	return p.save(ctx, rec, expectVersion)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "migrate", provider.ValidateID(id)); err != nil {
		return err
	}
	return p.delete(ctx, id)
}

func validate(rec *provider.Record, expectVersion int64) error {
	if err := rec.Validate(expectVersion); err != nil {
		return err
	}
	if isReserved(rec.Format) {
		return fmt.Errorf("%w: Format begins with %q, which package migrate reserves for its markers", provider.ErrInvalidRecord, formatPrefix)
	}
	return nil
}
