package migrate

import (
	"context"
	"errors"
	"iter"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Lister = (*Provider)(nil)

// List implements provider.Lister if both stores do. It lists from and then to, so that a
// record that is moved in the meantime is yielded, perhaps twice. It reads the markers in
// from as well, which are as many as the records that were moved or created.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		if err := outcome.Check(ctx, "migrate", provider.ValidatePrefix(prefix)); err != nil {
			yield(nil, err)
			return
		}
		if p.listFrom(ctx, prefix, yield) {
			p.listTo(ctx, prefix, yield)
		}
	}
}

// listFrom yields the records that from decides about, and those that are being moved. It
// reports whether the iteration goes on.
func (p *Provider) listFrom(ctx context.Context, prefix string, yield func(*provider.Record, error) bool) bool {
	for stored, err := range provider.List(ctx, p.from, prefix) {
		if err != nil {
			yield(nil, inFrom(err))
			return false
		}
		e, err := p.seen(stored.ID, stored)
		rec := e.rec
		if err == nil && e.state == moving {
			rec, err = p.fetch(ctx, stored.ID) // it may have expired
		}
		switch {
		case e.state == moved, errors.Is(err, provider.ErrNotFound):
			continue
		case err != nil:
			yield(nil, err)
			return false
		}
		if !yield(rec, nil) {
			return false
		}
	}
	return true
}

// listTo yields the records of to.
func (p *Provider) listTo(ctx context.Context, prefix string, yield func(*provider.Record, error) bool) {
	for stored, err := range provider.List(ctx, p.to, prefix) {
		if err != nil {
			yield(nil, inTo(err))
			return
		}
		e, err := seenTo(stored)
		switch {
		case err != nil:
			yield(nil, err)
			return
		case e.state == plain && !yield(stored, nil):
			return
		}
	}
}
