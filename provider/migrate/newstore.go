package migrate

import (
	"context"
	"errors"

	"github.com/holdfast-go/holdfast/provider"
)

// lookTo reads what to has under an ID.
func (p *Provider) lookTo(ctx context.Context, id string) (entry, error) {
	stored, err := p.to.Fetch(ctx, id)
	if err != nil && !errors.Is(err, provider.ErrNotFound) {
		return entry{}, inTo(err)
	}
	return seenTo(stored)
}

// seenTo returns what stored, a record of to or nil, stands for.
func seenTo(stored *provider.Record) (entry, error) {
	e, err := entryOf(stored)
	if err == nil && (e.state == moving || e.state == moved || e.state == plain && e.rec != stored) {
		err = errSwapped
	}
	return e, err
}

// fetchTo returns the record of to. A reservation counts as absent.
func (p *Provider) fetchTo(ctx context.Context, id string) (*provider.Record, error) {
	e, err := p.lookTo(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case e.state != plain:
		return nil, errNotFound
	}
	return e.rec, nil
}

// saveTo is Save for a record that to decides about.
func (p *Provider) saveTo(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	for over := expectVersion; ; {
		saved, now, err := p.swapTo(ctx, rec, over)
		switch {
		case err != nil || saved:
			return err
		case expectVersion == 0 && now.state == reservation:
			over = now.version
		case expectVersion == 0 && now.state == absent:
			over = 0 // a reservation has expired
		case now.state == plain && now.version == rec.Version:
			return nil // stored by an earlier attempt
		case now.state == plain && allows(now, expectVersion):
			// It was created after the store's answer, which did not include it.
		default:
			return conflict(now.rec)
		}
		if err := ctx.Err(); err != nil {
			return unsaved(inTo(err))
		}
	}
}

// swapTo is swap for to. An error that says that nothing was saved is of this attempt.
func (p *Provider) swapTo(ctx context.Context, rec *provider.Record, version int64) (swapped bool, now entry, err error) {
	err = p.to.Save(ctx, rec, version)
	told, ok := errors.AsType[*provider.ConflictError](err)
	switch {
	case err == nil:
		return true, entry{}, nil
	case ok:
		now, err = seenTo(told.Current)
	case errors.Is(err, provider.ErrVersionConflict):
		now, err = p.lookTo(ctx, rec.ID)
	default:
		return false, entry{}, inTo(err)
	}
	if err != nil {
		err = unsaved(err) // for to has refused rec
	}
	return false, now, err
}
