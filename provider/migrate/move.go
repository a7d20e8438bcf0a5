package migrate

import (
	"context"
	"errors"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// maxRounds limits how often finish begins again. Each time, another instance or the clock
// of to was in the way.
const maxRounds = 10

// A fate is what Move has found.
type fate int

const (
	wasMoved   fate = iota // by this call
	wasGone                // or has been moved by another one
	hasChanged             // from has something else now
)

// Move moves one record, for programs that know the IDs of a store that is no
// provider.Lister. A record that is absent or was moved is not an error. See MoveAll for
// the reasons of a failure; after one the record may have been moved or not.
func (p *Provider) Move(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "migrate", provider.ValidateID(id)); err != nil {
		return err
	}
	if err := p.probe(ctx); err != nil {
		return err
	}
	e, err := p.look(ctx, id)
	if err != nil {
		return err
	}
	_, _, err = p.move(ctx, id, e)
	return err
}

// move moves the record that from has, or had, as e. Until the record is frozen, which is
// the swap in from, it is only read. It begins again when the record has changed; changes
// is how often.
func (p *Provider) move(ctx context.Context, id string, e entry) (f fate, changes int64, err error) {
	for ; ctx.Err() == nil; changes++ {
		switch {
		case e.state == absent || e.state == moved:
			return wasGone, changes, nil
		case e.state == moving:
			f, err := p.finish(ctx, e)
			return f, changes, err
		case e.rec.Version <= 0:
			return wasGone, changes, ErrUnversioned
		}
		f, now, err := p.freeze(ctx, e)
		if err != nil || f != hasChanged {
			return f, changes, err
		}
		e = now
	}
	return wasGone, changes, inFrom(ctx.Err())
}

// freeze moves a record if from still has it as e. Otherwise it has changed, and freeze
// returns what from has. The reservation comes first: if to has no room for the record, or has another one, nothing
// has changed.
func (p *Provider) freeze(ctx context.Context, e entry) (f fate, now entry, err error) {
	to, err := p.reserve(ctx, e.rec)
	if errors.Is(err, ErrInBoth) {
		now, lookErr := p.look(ctx, e.rec.ID)
		if lookErr == nil && (now.state != plain || now.version != e.version) {
			return hasChanged, now, nil // it was moved, or changed
		}
	}
	if err != nil {
		return hasChanged, now, err
	}
	marker := movingMarker(e.rec)
	frozen, now, err := p.swap(ctx, marker, e.version)
	if err != nil || !frozen {
		return hasChanged, now, err
	}
	e = entry{state: moving, version: marker.Version, rec: e.rec}
	if to.state == reservation {
		placed, _, err := p.swapTo(provider.WithReserve(ctx), e.rec, to.version)
		if err != nil || placed {
			f, err := p.release(ctx, e, err)
			return f, now, err
		}
	}
	f, err = p.finish(ctx, e)
	return f, now, err
}

// finish completes the move of a record that another call has begun. Any number of calls
// may do so at a time.
func (p *Provider) finish(ctx context.Context, e entry) (fate, error) {
	ctx = provider.WithReserve(ctx)
	for range maxRounds {
		to, err := p.reserve(ctx, e.rec)
		if err != nil && !errors.Is(err, ErrInBoth) {
			return wasGone, err
		}
		if to.state == plain {
			return p.release(ctx, e, nil)
		}
		// If the move was completed in the meantime, the record may have been deleted since,
		// and must not be placed again. A reservation that was there before this look is gone
		// by then, so that the swap fails.
		now, lookErr := p.look(ctx, e.rec.ID)
		if lookErr != nil || now.state != moving || now.version != e.version {
			return wasGone, lookErr
		}
		if err != nil {
			return wasGone, err
		}
		placed, _, err := p.swapTo(ctx, e.rec, to.version)
		if err != nil || placed {
			return p.release(ctx, e, err)
		}
	}
	return wasGone, errUnplaced
}

// release replaces the marker of a record that is in to by the one that to decides. Another
// marker than e means that another call has done so: of several calls that finish a move,
// one has moved the record. If err is not nil, it is returned.
func (p *Provider) release(ctx context.Context, e entry, err error) (fate, error) {
	if err != nil {
		return wasGone, err
	}
	released, _, err := p.swap(ctx, movedMarker(e.rec.ID), e.version)
	if err != nil {
		return wasGone, err
	}
	p.moved.add(e.rec.ID)
	if !released {
		return wasGone, nil
	}
	return wasMoved, nil
}

// reserve returns a reservation in to for rec, or rec itself if to has it already. If to
// has another record, the error is ErrInBoth.
//
// Without a reservation, rec would have to be created in to. If such a call was given up
// and arrived late, after the record was deleted, it would bring the record back. A
// reservation that arrives late brings nothing back, and a swap that arrives late finds
// its reservation gone.
func (p *Provider) reserve(ctx context.Context, rec *provider.Record) (entry, error) {
	ours := reservationFor(rec)
	for over := int64(0); ctx.Err() == nil; {
		err := p.to.Save(ctx, ours, over)
		if err == nil {
			return entry{state: reservation, version: ours.Version}, nil
		}
		if !errors.Is(err, provider.ErrVersionConflict) {
			return entry{}, inTo(err)
		}
		there, size, err := p.inTheWay(ctx, rec.ID, err)
		switch {
		case err != nil:
			return entry{}, err
		case there.state == plain && there.version != rec.Version:
			return entry{}, ErrInBoth
		case there.state == plain, there.state == reservation && size >= sizeReserved(rec):
			return there, nil
		}
		over = there.version // of a reservation that is too small; 0: it has expired
	}
	return entry{}, inTo(ctx.Err())
}

// inTheWay returns what to has, given the error of a Save that conflicts with it, and the
// length of its Data.
func (p *Provider) inTheWay(ctx context.Context, id string, conflicts error) (there entry, size int, err error) {
	var current *provider.Record
	if told, ok := errors.AsType[*provider.ConflictError](conflicts); ok {
		current = told.Current
	} else if current, err = p.to.Fetch(ctx, id); err != nil && !errors.Is(err, provider.ErrNotFound) {
		return entry{}, 0, inTo(err)
	}
	if current != nil {
		size = len(current.Data)
	}
	there, err = seenTo(current)
	return there, size, err
}
