package sealed

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
)

// Format is the Format of a sealed record, by which tools recognize one.
const Format = "holdfast-sealed"

// Provider implements provider.Provider. Make one with New; the zero Provider cannot be
// used.
type Provider struct {
	inner provider.Provider
	keys  keys
}

var _ provider.Provider = (*Provider)(nil)

// New returns a provider that keeps records in inner, sealed with the first of the keys.
// The others open records that they have sealed before. Each must be 32 bytes of good
// randomness. New returns an error if inner is nil, if there are no keys, or if a key has
// another length or is given twice.
//
// A sealed record is 65 bytes longer, which count towards the limits of inner.
func New(inner provider.Provider, keys [][]byte) (*Provider, error) {
	ks, err := newKeys(keys)
	if inner == nil {
		err = errors.Join(errors.New("sealed: no provider to seal"), err)
	}
	if err != nil {
		return nil, err
	}
	return &Provider{inner: inner, keys: ks}, nil
}

// Fetch implements provider.Provider.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := p.inner.Fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := p.keys.open(rec, id); err != nil {
		return nil, err
	}
	return rec, nil
}

// Save implements provider.Provider. A conflict with a record that cannot be
// opened wraps provider.ErrUnreadable, too.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := rec.Validate(expectVersion); err != nil {
		return fmt.Errorf("sealed: %w", err)
	}
	err := p.inner.Save(ctx, p.keys.seal(rec), expectVersion)
	conflict, ok := errors.AsType[*provider.ConflictError](err)
	if !ok || conflict.Current == nil {
		return err
	}
	if unreadable := p.keys.open(conflict.Current, rec.ID); unreadable != nil {
		// Not a ConflictError: there is nothing that the caller could merge with.
		return fmt.Errorf("%w: %w", provider.ErrVersionConflict, unreadable)
	}
	return err
}

// Delete implements provider.Provider. It deletes unreadable records, too.
func (p *Provider) Delete(ctx context.Context, id string) error {
	return p.inner.Delete(ctx, id)
}
