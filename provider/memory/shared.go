package memory

import (
	"context"
	"errors"

	"github.com/holdfast-go/holdfast/provider"
)

// Shared returns the same store without the copies that package provider requires: it
// keeps the record that it is given to save, and returns that record. It is for a caller
// that never modifies either, and saves more than half of a request's memory if values are
// large. Package session calls it itself, and sets no deadlines then.
//
// Whole is the provider that the caller holds. If it is another provider that embeds p,
// its own methods must not be bypassed, and Shared returns nil.
func (p *Provider) Shared(whole provider.Provider) provider.Provider {
	if whole != provider.Provider(p) {
		return nil
	}
	return shared{p}
}

type shared struct{ p *Provider }

func (s shared) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := check(ctx, provider.ValidateID(id)); err != nil {
		return nil, err
	}
	c, ok := s.p.shard(id).fetch(id)
	if !ok {
		return nil, errNotFound
	}
	return c.rec, nil
}

func (s shared) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := check(ctx, rec.Validate(expectVersion)); err != nil {
		return err
	}
	c := newContent(rec)
	if c.cost() > s.p.budget.max {
		return errTooLarge
	}
	sh, left := s.p.shard(rec.ID), s.p.budget.kept()
	if provider.UsesReserve(ctx) {
		left = 0
	}
	err := sh.save(c, expectVersion, left)
	if errors.Is(err, provider.ErrFull) && s.p.makeRoom() {
		err = sh.save(c, expectVersion, left)
	}
	return err
}

func (s shared) Delete(ctx context.Context, id string) error { return s.p.Delete(ctx, id) }
