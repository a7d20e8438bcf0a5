package migrate

import (
	"context"
	"errors"

	"github.com/holdfast-go/holdfast/provider"
)

// look reads what from has under an ID. A marker that the record was moved is remembered.
func (p *Provider) look(ctx context.Context, id string) (entry, error) {
	stored, err := p.from.Fetch(ctx, id)
	if err != nil && !errors.Is(err, provider.ErrNotFound) {
		return entry{}, inFrom(err)
	}
	return p.seen(id, stored)
}

// seen returns what stored, a record of from or nil, stands for.
func (p *Provider) seen(id string, stored *provider.Record) (entry, error) {
	e, err := entryOf(stored)
	switch {
	case err == nil && e.state == moved:
		p.moved.add(id)
	case err == nil && e.state == reservation:
		err = errSwapped
	}
	return e, err
}

// swap saves rec in from over version, or creates it if version is 0. If from does not
// allow it, swapped is false, and now is what from has instead.
func (p *Provider) swap(ctx context.Context, rec *provider.Record, version int64) (swapped bool, now entry, err error) {
	err = p.from.Save(ctx, rec, version)
	told, ok := errors.AsType[*provider.ConflictError](err)
	switch {
	case err == nil:
		return true, entry{}, nil
	case ok:
		now, err = p.seen(rec.ID, told.Current)
	case errors.Is(err, provider.ErrVersionConflict):
		now, err = p.look(ctx, rec.ID)
	default:
		return false, entry{}, inFrom(err)
	}
	if err != nil {
		err = unsaved(err) // for from has refused rec
	}
	return false, now, err
}

// mark creates the marker that to decides about an ID that from does not have. If that
// succeeds, or if to decides already, now is moved.
func (p *Provider) mark(ctx context.Context, id string) (now entry, err error) {
	marked, now, err := p.swap(ctx, movedMarker(id), 0)
	if err != nil {
		return entry{}, unsaved(err) // the marker changes no record
	}
	if marked {
		p.moved.add(id)
		now.state = moved
	}
	return now, nil
}
